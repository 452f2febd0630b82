#include "room.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "cursor.h"
#include "pwask.h"
#include "prog.h"
#include "route.h"
#include "sbuf.h"
#include "usock.h"

static struct asked {
	char local[LIMIT_ADDRESS + 1]; /* "": free */
	struct question question;
	pid_t pid; /* 0: it waits for a name */
	int64_t until;
} table[ROOM_ASKED];

static int sock = -1;
static int client = -1;

int room_init(void)
{
	sock = usock_listen("qlspawn", SOCK_SEQPACKET, 0660);
	return sock == -1 && errno != ENOENT ? -1 : 0;
}

static void drop_client(void)
{
	if (client != -1)
		(void)close(client);
	client = -1;
}

static void answer(const char *local, char letter)
{
	struct sbuf b = SBUF_INIT(LIMIT_ADDRESS + 2);

	if (client != -1 && (sbuf_field(&b, letter, local) == -1 ||
			     usock_send(client, b.p, b.len, -1) == -1))
		drop_client();
	sbuf_free(&b);
}

static void finish(struct asked *a, char letter)
{
	answer(a->local, letter);
	*a = (struct asked){.pid = 0};
}

/* ---- a question ---- */

/* Only the default delivery of a user's own name is known to lead into a mailbox. */
static int is_plain(const struct route_user *u)
{
	return u->uid != 0 && *u->dash == '\0' && *u->alias == '\0' && !u->catchall;
}

static void look_up(struct asked *a)
{
	struct route_user u;

	if (route_local(a->local, pwask_getpw, &a->question, &u, NULL, NULL) == -1) {
		if (errno != EINPROGRESS)
			finish(a, '+');
		return;
	}
	a->pid = is_plain(&u) ? child_ask(&u) : -1;
	if (a->pid == -1)
		finish(a, '+');
}

static struct asked *find(const char *local)
{
	for (struct asked *a = table; a < table + ROOM_ASKED; a++)
		if (strcmp(a->local, local) == 0)
			return a;
	return NULL;
}

static void take(const char *local)
{
	struct asked *a;

	if (find(local) != NULL)
		return;
	a = find("");
	if (a == NULL) {
		answer(local, '+');
		return;
	}
	*a = (struct asked){.until = clock_mono_ms() + ROOM_MS};
	memcpy(a->local, local, strlen(local) + 1);
	look_up(a);
}

/* ---- events ---- */

static void hear_client(void)
{
	char buf[LIMIT_ADDRESS + 2];
	ssize_t r = usock_recv(client, buf, sizeof buf, NULL);
	struct cursor c;
	const char *local;

	if (r == -1 && errno == EAGAIN)
		return;
	cur_init(&c, buf, r > 0 ? (size_t)r : 0);
	if (r <= 0 || cur_str(&c, LIMIT_ADDRESS, &local) == -1 || cur_end(&c) == -1 ||
	    *local == '\0')
		drop_client();
	else
		take(local);
}

static void take_client(void)
{
	int fd = accept4(sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd == -1)
		return;
	drop_client();
	client = fd;
}

void room_poll(struct pollfd *p)
{
	p[0] = (struct pollfd){.fd = sock, .events = POLLIN};
	p[1] = (struct pollfd){.fd = client, .events = POLLIN};
}

void room_hear(const struct pollfd *p)
{
	if (p[1].revents != 0 && client == p[1].fd)
		hear_client();
	if (p[0].revents != 0)
		take_client();
}

void room_settled(const char *name, char result)
{
	for (struct asked *a = table; a < table + ROOM_ASKED; a++) {
		if (*a->local == '\0' || a->pid != 0)
			continue;
		question_settle(&a->question, name, result);
		if (a->question.waits[0] == '\0')
			look_up(a);
	}
}

/* Its number stays its own until it is reaped: the group is killed before. */
static int has_ended(const struct asked *a, int *status)
{
	if (clock_left_ms(a->until) == 0)
		(void)kill(-a->pid, SIGKILL);
	return waitpid(a->pid, status, WNOHANG) == a->pid;
}

void room_tick(void)
{
	for (struct asked *a = table; a < table + ROOM_ASKED; a++) {
		int status = 0;

		if (*a->local == '\0')
			continue;
		if (a->pid == 0 && clock_left_ms(a->until) == 0)
			finish(a, '+');
		else if (a->pid > 0 && has_ended(a, &status))
			finish(a, WIFEXITED(status) && WEXITSTATUS(status) == EXIT_PERM
				      ? '-'
				      : '+');
	}
}

int room_busy(void)
{
	for (const struct asked *a = table; a < table + ROOM_ASKED; a++)
		if (*a->local != '\0')
			return 1;
	return 0;
}
