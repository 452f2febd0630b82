/* qrcpt: is this address one that we would deliver?
 *
 * Runs as quoinv. Asked by qsmtpd at RCPT, over run/qrcpt/sock; many connections, one
 * question at a time on each. Decides by the code that delivers (lib/route): control/
 * locals, virtualdomains, percenthack and envnoathost (read at start and on SIGHUP, as
 * qsend does), users/cdb, control/aliases.cdb and control/userseparators (read for each
 * question), qgetpw, and the names of ~alias's dot-files. It reads no message and
 * no dot-file, and writes nothing.
 *
 *	run/qrcpt/sock	request = recipient NUL, answer = ("+" / "-" / "Z") text NUL
 *	run/qgetpw/sock	who has this name?
 *	2		log
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cursor.h"
#include "jail.h"
#include "judge.h"
#include "num.h"
#include "paths.h"
#include "prog.h"
#include "pwask.h"
#include "ready.h"
#include "sbuf.h"
#include "usock.h"

#define USAGE "qrcpt [-C DIR] [-d READYFD] [-a UID:GID]"

extern const struct jail_profile jail_qrcpt;

enum { CLIENTS_MAX = 1000 };

static struct client {
	int fd;                       /* -1: free */
	char rcpt[LIMIT_ADDRESS + 1]; /* what it asks, "" when nothing */
	struct question question;
} clients[CLIENTS_MAX];

static struct route *route;

static void drop(struct client *c)
{
	(void)close(c->fd);
	c->fd = -1;
	c->rcpt[0] = '\0';
}

static void answer(struct client *c, const struct verdict *v)
{
	struct sbuf b = SBUF_INIT(LIMIT_TEXT + 2);

	c->rcpt[0] = '\0';
	if (sbuf_catc(&b, v->letter) == -1 || sbuf_catz(&b, v->text) == -1 ||
	    usock_send(c->fd, b.p, b.len, -1) == -1)
		drop(c);
	sbuf_free(&b);
}

static void work(struct client *c)
{
	struct verdict v;

	if (judge(route, c->rcpt, &c->question, &v) == 0)
		answer(c, &v);
}

/* Somebody's name has become known. */
static void settled(const char *name, char result)
{
	for (struct client *c = clients; c < clients + CLIENTS_MAX; c++) {
		if (c->fd == -1 || c->rcpt[0] == '\0')
			continue;
		question_settle(&c->question, name, result);
		if (c->question.waits[0] == '\0')
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
	if (r == -1 || c->rcpt[0] != '\0' || cur_str(&cur, LIMIT_ADDRESS, &rcpt) == -1 ||
	    cur_end(&cur) == -1 || rcpt[0] == '\0') {
		warn_msg("a client is dropped: not a request");
		drop(c);
		return;
	}
	memcpy(c->rcpt, rcpt, strlen(rcpt) + 1);
	memset(&c->question, 0, sizeof c->question);
	work(c);
}

static void take_client(int sock)
{
	int fd = accept4(sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd == -1)
		return;
	for (struct client *c = clients; c < clients + CLIENTS_MAX; c++)
		if (c->fd == -1) {
			c->fd = fd;
			return;
		}
	warn_msg("a client is turned away: more than %d", CLIENTS_MAX);
	(void)close(fd);
}

static void hear_signal(int fd)
{
	struct signalfd_siginfo s;
	struct route *fresh;

	if (read(fd, &s, sizeof s) != sizeof s)
		return;
	fresh = route_load();
	if (fresh == NULL) {
		warn_msg("%s; the old control files stay in force", route_error());
		return;
	}
	route_free(route);
	route = fresh;
}

static int open_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

enum { P_SOCK, P_SIGNALS, P_GETPW, P_CLIENTS };
static struct pollfd watched[P_CLIENTS + CLIENTS_MAX];

static nfds_t fill(int sock, int signals)
{
	nfds_t n = P_CLIENTS;

	watched[P_SOCK] = (struct pollfd){.fd = sock, .events = POLLIN};
	watched[P_SIGNALS] = (struct pollfd){.fd = signals, .events = POLLIN};
	watched[P_GETPW] = (struct pollfd){.fd = pwask_fd(), .events = POLLIN};
	for (size_t i = 0; i < CLIENTS_MAX; i++)
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

	for (size_t i = 0; i < CLIENTS_MAX && at < n; i++) {
		if (clients[i].fd == -1 || clients[i].fd != watched[at].fd)
			continue;
		if (watched[at++].revents != 0)
			hear(&clients[i]);
	}
}

static _Noreturn void serve(int sock, int signals)
{
	for (;;) {
		nfds_t n = fill(sock, signals);

		if (poll(watched, n, pwask_busy() ? 1000 : -1) == -1) {
			if (errno != EINTR)
				die_sys(EXIT_TEMP, "wait for events");
			continue;
		}
		hear_clients(n);
		if (watched[P_GETPW].revents != 0)
			pwask_receive(settled);
		pwask_tick(settled);
		if (watched[P_SIGNALS].revents != 0)
			hear_signal(signals);
		if (watched[P_SOCK].revents != 0)
			take_client(sock);
	}
}

static void take_alias(const char *s)
{
	const char *colon = strchr(s, ':');
	uint64_t uid;
	uint64_t gid;

	if (colon == NULL ||
	    num_parse_n(s, (size_t)(colon - s), UINT32_MAX - 1, &uid) == -1 ||
	    num_parse(colon + 1, UINT32_MAX - 1, &gid) == -1)
		die_usage(USAGE);
	pwask_alias((uid_t)uid, (gid_t)gid);
}

static int take_options(int argc, char **argv)
{
	uint64_t ready = 0;
	int c;

	while ((c = getopt(argc, argv, "C:d:a:")) != -1) {
		if (c == 'C' && paths_under(optarg) == 0)
			continue;
		if (c == 'd' && num_parse(optarg, 65535, &ready) == 0)
			continue;
		if (c != 'a')
			die_usage(USAGE);
		take_alias(optarg);
	}
	if (optind != argc)
		die_usage(USAGE);
	return ready == 0 ? -1 : (int)ready;
}

static int open_socket(void)
{
	char dir[LIMIT_PATH];

	if (path_join(dir, sizeof dir, paths.run, "qrcpt") == NULL)
		return -1;
	return usock_listen(dir, SOCK_SEQPACKET, 0660);
}

int main(int argc, char **argv)
{
	int signals;
	int ready;
	int sock;

	prog_init("qrcpt");
	ready = take_options(argc, argv);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		clients[i].fd = -1;
	route = route_load();
	if (route == NULL)
		die_msg(EXIT_TEMP, "unable to read %s", route_error());
	signals = open_signals();
	sock = open_socket();
	if (signals == -1 || sock == -1)
		die_sys(EXIT_TEMP, "listen at run/qrcpt");
	if (jail_enter(&jail_qrcpt) == -1)
		die_sys(EXIT_TEMP, "lock in");
	ready_notify(ready);
	serve(sock, signals);
}
