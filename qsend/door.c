/* The keeper's door: short requests are answered at once, a list by a process of
 * its own (lister.c). Who asks is known by SO_PEERCRED; a client that is slow, or
 * does not speak the protocol, is dropped. */
#include "sched.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper.h"
#include "logout.h"
#include "pick.h"
#include "prog.h"
#include "sbuf.h"
#include "usock.h"

/* The last places are those of the keeper's door. */
enum { PATIENCE = 10, CLIENTS_OF_ONE = 3, CLIENTS_OF_CTL = 3 };

struct client {
	int used;
	int fd;
	int ctl; /* came through run/qsend-ctl */
	uid_t uid;
	uint32_t until;
};

static struct client clients[CLIENTS];
static struct {
	pid_t pid;
	uid_t uid;
} listers[LISTERS];

static void drop(struct client *c)
{
	(void)close(c->fd);
	c->used = 0;
}

/* It may ask again, unless it does not read. */
static void answer(struct client *c, const struct keeper_frame *f)
{
	static struct sbuf frame = SBUF_INIT(LIMIT_FRAME);

	if (keeper_put(&frame, f) == -1 ||
	    usock_send(c->fd, frame.p, frame.len, -1) == -1)
		drop(c);
}

static void answer_count(struct client *c, uint64_t n)
{
	answer(c, &(struct keeper_frame){.what = 'K', .count = n});
}

static void answer_text(struct client *c, const char *text)
{
	answer(c, &(struct keeper_frame){.what = 'Z', .text = text});
}

/* ---- the requests ---- */

typedef void answering(struct sched *q, struct client *c, const struct keeper_request *r);

static void do_stat(struct sched *q, struct client *c, const struct keeper_request *r)
{
	struct keeper_frame f;

	(void)r;
	gauge(q, &f);
	answer(c, &f);
}

static void do_ids(struct sched *q, struct client *c, const struct keeper_request *r)
{
	char letters[KEEPER_IDS + 1];

	hold_ids(q, r, c->uid, letters);
	answer(c, &(struct keeper_frame){.what = 'A', .text = letters});
}

static void do_retry(struct sched *q, struct client *c, const struct keeper_request *r)
{
	if (r->n > 0)
		do_ids(q, c, r);
	else
		answer_count(c, picks_retry_all(q));
}

static void do_pause(struct sched *q, struct client *c, const struct keeper_request *r)
{
	pause_set(q, r->channel, r->ask == KEEPER_PAUSE);
	answer_count(c, 1);
}

static int may_list(uid_t uid)
{
	int running = 0;

	for (int i = 0; i < LISTERS; i++) {
		if (listers[i].pid == 0)
			continue;
		if (uid != 0 && listers[i].uid == uid)
			return 0;
		running++;
	}
	/* The last one is root's. */
	return running < (uid == 0 ? LISTERS : LISTERS - 1);
}

static void do_list(struct sched *q, struct client *c, const struct keeper_request *r)
{
	int all = c->ctl || c->uid == 0;
	pid_t pid;
	int i = 0;

	(void)r;
	if (!may_list(c->uid)) {
		answer_text(c, "too many lists at once");
		return;
	}
	while (listers[i].pid != 0)
		i++;
	logout_flush();
	pid = fork();
	if (pid == 0)
		lister(q, c->fd, all, c->uid);
	if (pid == -1) {
		answer_text(c, strerror(errno));
		return;
	}
	listers[i].pid = pid;
	listers[i].uid = c->uid;
	drop(c);
}

static const struct {
	char ask;
	int public;
	answering *run;
} requests[] = {
    {KEEPER_LIST, 1, do_list},   {KEEPER_STAT, 0, do_stat},  {KEEPER_RETRY, 0, do_retry},
    {KEEPER_PAUSE, 0, do_pause}, {KEEPER_CONT, 0, do_pause}, {KEEPER_HOLD, 0, do_ids},
    {KEEPER_RELEASE, 0, do_ids}, {KEEPER_DELETE, 0, do_ids}, {KEEPER_MOVE, 0, do_ids},
    {KEEPER_TAKE, 0, do_ids},
};

static void serve_request(struct sched *q, struct client *c,
			  const struct keeper_request *r)
{
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		if (requests[i].ask != r->ask)
			continue;
		if (c->ctl || requests[i].public)
			requests[i].run(q, c, r);
		else
			answer_text(c, "permission denied");
		return;
	}
}

static void serve_client(struct sched *q, struct client *c)
{
	static char frame[KEEPER_REQUEST];
	struct keeper_request r;
	ssize_t n = usock_recv(c->fd, frame, sizeof frame, NULL);

	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n <= 0 || keeper_get_request(&r, frame, (size_t)n) == -1)
		drop(c);
	else {
		c->until = q->now.mono + PATIENCE;
		serve_request(q, c, &r);
	}
}

/* ---- the loop's side ---- */

static struct client *free_client(uid_t uid, int is_ctl)
{
	struct client *place = NULL;
	int same = 0;
	int others = 0;

	for (int i = 0; i < CLIENTS; i++) {
		if (!clients[i].used)
			place = &clients[i];
		else
			same += clients[i].uid == uid;
		others += clients[i].used && !clients[i].ctl;
	}
	if (!is_ctl && others >= CLIENTS - CLIENTS_OF_CTL)
		return NULL;
	return same < CLIENTS_OF_ONE ? place : NULL;
}

void door_accept(struct sched *q, int listener, int is_ctl)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *c;
	uid_t uid;
	pid_t pid;

	if (fd == -1)
		return;
	if (usock_peer(fd, &uid, &pid) == -1 || (c = free_client(uid, is_ctl)) == NULL) {
		(void)close(fd);
		return;
	}
	*c = (struct client){1, fd, is_ctl, uid, q->now.mono + PATIENCE};
}

size_t door_poll(struct sched *q, struct pollfd *p)
{
	size_t n = 0;

	for (int i = 0; i < CLIENTS; i++) {
		if (clients[i].used && q->now.mono > clients[i].until)
			drop(&clients[i]);
		if (clients[i].used)
			p[n++] = (struct pollfd){clients[i].fd, POLLIN, 0};
	}
	return n;
}

void door_serve(struct sched *q, const struct pollfd *p, size_t n)
{
	for (size_t k = 0; k < n; k++)
		for (int i = 0; p[k].revents != 0 && i < CLIENTS; i++)
			if (clients[i].used && clients[i].fd == p[k].fd) {
				serve_client(q, &clients[i]);
				break;
			}
}

void door_reap(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (int i = 0; i < LISTERS; i++)
			if (listers[i].pid == pid)
				listers[i].pid = 0;
}
