/* qrcpt: is this address one that we would deliver?
 *
 * Runs as quoinv. Asked by qsmtpd at RCPT, over run/qrcpt/sock; many connections, one
 * question at a time on each. Decides by the code that delivers (lib/route): control/
 * locals, virtualdomains, percenthack and envnoathost (read at start and on SIGHUP, as
 * qsend does), users/cdb, control/aliases.cdb and control/userseparators (read for each
 * question), qgetpw, the names of ~alias's dot-files, and where control/overquota says what a
 * full mailbox gets, qlspawn. It reads no message and
 * no dot-file, and writes nothing.
 *
 *	run/qrcpt/sock	request = recipient NUL, answer = ("+" / "-" / "Z") text NUL
 *	run/qgetpw/sock	who has this name?
 *	run/qlspawn/sock is his mailbox full? (roomask.h)
 *	2		log
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "args.h"
#include "catch.h"
#include "control.h"
#include "cursor.h"
#include "jail.h"
#include "judge.h"
#include "maildir/quota.h"
#include "owner.h"
#include "paths.h"
#include "prog.h"
#include "pwask.h"
#include "ready.h"
#include "roomask.h"
#include "sbuf.h"
#include "usock.h"

static const char usage[] = "qrcpt [-C dir] [-d fd] [-a uid:gid]";

extern const struct jail_profile jail_qrcpt;

enum { CLIENTS_MAX = 1000 };

/* What a client asks, kept until it is answered. */
struct asked {
	char rcpt[LIMIT_ADDRESS + 1];
	struct question question;
	int waits_for_room;
};

static struct client {
	int fd; /* -1: free */
	struct asked *asked;
} clients[CLIENTS_MAX];
static size_t nplaces; /* beyond, nobody has been */

static struct route *route;
static int when_full; /* quota_when_full() */

static void drop(struct client *c)
{
	(void)close(c->fd);
	c->fd = -1;
	free(c->asked);
	c->asked = NULL;
}

static void answer(struct client *c, const struct verdict *v)
{
	struct sbuf b = SBUF_INIT(LIMIT_TEXT + 2);

	free(c->asked);
	c->asked = NULL;
	if (sbuf_field(&b, v->letter, v->text) == -1 ||
	    usock_send(c->fd, b.p, b.len, -1) == -1)
		drop(c);
	sbuf_free(&b);
}

static void say_full(struct verdict *v)
{
	v->letter = when_full == QUOTA_NEVER ? '-' : 'Z';
	(void)snprintf(v->text, sizeof v->text, "%s The mailbox is full.",
		       when_full == QUOTA_NEVER ? "5.2.2" : "4.2.2");
}

static void work(struct client *c)
{
	struct verdict v;
	char room = '+';

	if (judge(route, c->asked->rcpt, &c->asked->question, &v) == -1)
		return;
	if (when_full != 0 && v.room[0] != '\0')
		room = roomask(v.room);
	c->asked->waits_for_room = room == 0;
	if (room == '-')
		say_full(&v);
	if (room != 0)
		answer(c, &v);
}

/* Answers have come, or have not in time. */
static void work_waiting(void)
{
	for (struct client *c = clients; c < clients + nplaces; c++)
		if (c->asked != NULL && c->asked->waits_for_room)
			work(c);
}

/* Somebody's name has become known. */
static void settled(const char *name, char result)
{
	for (struct client *c = clients; c < clients + nplaces; c++) {
		if (c->asked == NULL)
			continue;
		question_settle(&c->asked->question, name, result);
		if (c->asked->question.waits[0] == '\0')
			work(c);
	}
}

/* A second question before the answer to the first is as wrong as a long one. */
static void hear(struct client *c)
{
	char buf[LIMIT_ADDRESS + 2];
	ssize_t r = usock_recv(c->fd, buf, sizeof buf, NULL);
	struct cursor cur;
	const char *rcpt;

	if (r == -1 && errno == EAGAIN)
		return;
	if (r == 0) {
		drop(c);
		return;
	}
	cur_init(&cur, buf, r > 0 ? (size_t)r : 0);
	if (r == -1 || c->asked != NULL || cur_str(&cur, LIMIT_ADDRESS, &rcpt) == -1 ||
	    cur_end(&cur) == -1 || rcpt[0] == '\0') {
		warn_msg("a client is dropped: not a request");
		drop(c);
		return;
	}
	c->asked = calloc(1, sizeof *c->asked);
	if (c->asked == NULL) {
		warn_sys("take a question");
		drop(c);
		return;
	}
	memcpy(c->asked->rcpt, rcpt, strlen(rcpt) + 1);
	work(c);
}

static void take_client(int sock)
{
	int fd = accept4(sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd == -1)
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (clients[i].fd == -1) {
			clients[i].fd = fd;
			if (i >= nplaces)
				nplaces = i + 1;
			return;
		}
	warn_msg("a client is turned away: more than %d", CLIENTS_MAX);
	(void)close(fd);
}

static void reread(void)
{
	struct route *fresh = route_load();
	int full = quota_when_full();

	if (full != -1)
		when_full = full;
	else
		warn_msg("%s; the old one stays in force", control_error());
	if (fresh == NULL) {
		warn_msg("%s; the old control files stay in force", route_error());
		return;
	}
	route_free(route);
	route = fresh;
}

enum { P_SOCK, P_SIGNALS, P_GETPW, P_ROOM, P_CLIENTS };
static struct pollfd watched[P_CLIENTS + CLIENTS_MAX];

static nfds_t fill(int sock, int signals)
{
	nfds_t n = P_CLIENTS;

	watched[P_SOCK] = (struct pollfd){.fd = sock, .events = POLLIN};
	watched[P_SIGNALS] = (struct pollfd){.fd = signals, .events = POLLIN};
	watched[P_GETPW] = (struct pollfd){.fd = pwask_fd(), .events = POLLIN};
	watched[P_ROOM] = (struct pollfd){.fd = roomask_fd(), .events = POLLIN};
	for (size_t i = 0; i < nplaces; i++)
		if (clients[i].fd != -1)
			watched[n++] =
			    (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
	return n;
}

/* watched holds the clients in the order of the table; those that came since are
 * not in it. */
static void hear_clients(nfds_t n)
{
	nfds_t at = P_CLIENTS;

	for (size_t i = 0; i < nplaces && at < n; i++) {
		if (clients[i].fd == -1 || clients[i].fd != watched[at].fd)
			continue;
		if (watched[at++].revents != 0)
			hear(&clients[i]);
	}
}

static int wait_ms(void)
{
	int a = pwask_wait_ms();
	int b = when_full != 0 ? roomask_wait_ms() : -1;

	return a == -1 || (b != -1 && b < a) ? b : a;
}

static _Noreturn void serve(int sock, int signals)
{
	for (;;) {
		nfds_t n = fill(sock, signals);

		if (poll(watched, n, wait_ms()) == -1) {
			if (errno != EINTR)
				die_sys(EXIT_TEMP, "wait for events");
			continue;
		}
		hear_clients(n);
		if (watched[P_GETPW].revents != 0)
			pwask_receive(settled);
		pwask_tick(settled);
		if (watched[P_ROOM].revents != 0)
			roomask_receive();
		if (when_full != 0)
			work_waiting();
		if (watched[P_SIGNALS].revents != 0 && sigfd_next(signals) == SIGHUP)
			reread();
		if (watched[P_SOCK].revents != 0)
			take_client(sock);
	}
}

static int arguments(int argc, char **argv)
{
	int notify = -1;
	struct owner alias = OWNER_NONE;
	const struct arg table[] = {
	    {'d', arg_fd, &notify, 0, 0}, {'a', arg_owner, &alias, 0, 0}, {0}};

	args_only(usage, table, argc, argv);
	pwask_alias(&alias);
	return notify;
}

static void configure(void)
{
	route = route_load();
	if (route == NULL)
		die_msg(EXIT_TEMP, "unable to read %s", route_error());
	when_full = quota_when_full();
	if (when_full == -1)
		die_msg(EXIT_TEMP, "%s", control_error());
}

static int open_socket(void)
{
	int fd = usock_listen("qrcpt", SOCK_SEQPACKET, 0660);

	if (fd == -1)
		die_sys(EXIT_TEMP, "listen at run/qrcpt");
	return fd;
}

int main(int argc, char **argv)
{
	static const int caught[] = {SIGHUP, 0};
	int signals;
	int notify;
	int sock;

	prog_init("qrcpt");
	notify = arguments(argc, argv);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		clients[i].fd = -1;
	configure();
	signals = catch_signals(caught, NULL);
	sock = open_socket();
	if (jail_enter(&jail_qrcpt) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	ready_notify(notify);
	serve(sock, signals);
}
