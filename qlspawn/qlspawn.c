/* qlspawn: becomes the recipient.
 *
 * Runs as root, because it starts qlocal as the user to whom a message goes; one of
 * the two programs that stay root. It reads: frames of fixed fields from qsend and from
 * its own children (lib/job.h), answers of qgetpw, and the tables of the admin
 * (users/cdb, control/aliases.cdb, control/userseparators). It never reads a message, a
 * network byte, a dot-file or a home; the message passes as a descriptor. It starts one
 * program, bin/qlocal, never as uid 0. It cannot close a sandbox behind it, because
 * its children would inherit it (ARCHITECTURE.md).
 *
 *	-q FD	jobs from qsend, reports to it (SOCK_SEQPACKET)
 *	-l FD	the lifeline: at its end of file everybody stops
 *	run/qgetpw	who has this name?
 *	2	log; what children write arrives here with user and pid in front
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"
#include "ljob.h"
#include "localjob.h"
#include "num.h"
#include "paths.h"
#include "prog.h"
#include "pwask.h"
#include "usock.h"

#define USAGE "qlspawn [-C DIR] -l LIFELINEFD -q SOCKETFD [-a UID:GID] [-t SECONDS]"

struct options {
	const char *dir;
	int lifeline;
	int qsend;
	unsigned seconds;
};

static int take_fd(const char *s)
{
	uint64_t v;

	if (num_parse(s, 65535, &v) == -1 || fd_cloexec((int)v) == -1)
		die_usage(USAGE);
	return (int)v;
}

static void take_alias(const char *s)
{
	const char *colon = strchr(s, ':');
	uint64_t uid;
	uint64_t gid;

	if (colon == NULL ||
	    num_parse_n(s, (size_t)(colon - s), UINT32_MAX - 1, &uid) == -1 ||
	    num_parse(colon + 1, UINT32_MAX - 1, &gid) == -1 || uid == 0)
		die_usage(USAGE);
	pwask_alias((uid_t)uid, (gid_t)gid);
}

static void take_options(struct options *o, int argc, char **argv)
{
	uint64_t v;
	int c;

	while ((c = getopt(argc, argv, "C:l:q:a:t:")) != -1) {
		if (c == 'C' && paths_under(optarg) == 0)
			o->dir = optarg;
		else if (c == 'l')
			o->lifeline = take_fd(optarg);
		else if (c == 'q')
			o->qsend = take_fd(optarg);
		else if (c == 'a')
			take_alias(optarg);
		else if (c == 't' && num_parse(optarg, 86400, &v) == 0)
			o->seconds = (unsigned)v;
		else
			die_usage(USAGE);
	}
	if (optind != argc || o->lifeline == -1 || o->qsend == -1)
		die_usage(USAGE);
}

/* Ends of children and the wish to stop, as a descriptor. */
static int open_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Children see the end of file on their sockets when we are gone. */
static _Noreturn void stop(void)
{
	_exit(0);
}

static void hear_signals(int fd)
{
	struct signalfd_siginfo s;

	while (read(fd, &s, sizeof s) == sizeof s)
		if (s.ssi_signo != SIGCHLD)
			stop();
}

static void hear_qsend(int fd)
{
	static char frame[LIMIT_FRAME];
	int passed;
	ssize_t r = usock_recv(fd, frame, sizeof frame, &passed);

	if (r == 0)
		stop();
	if (r == -1 && errno == EAGAIN)
		return;
	if (r == -1 || ljob_take(frame, (size_t)r, passed) == -1)
		die_sys(EXIT_TEMP, "read a job from qsend");
}

/* What poll() watches; children in the order of their list, two entries each. */
enum { P_LIFELINE, P_QSEND, P_SIGNALS, P_GETPW, P_CHILDREN };
static struct pollfd watched[P_CHILDREN + 2 * CHILDREN_MAX];

static struct pollfd wait_for(int fd, short events)
{
	return (struct pollfd){.fd = fd, .events = events};
}

static nfds_t fill(const struct options *o, int signals, int all_sent)
{
	nfds_t n = P_CHILDREN;

	watched[P_LIFELINE] = wait_for(o->lifeline, POLLIN);
	watched[P_QSEND] = wait_for(o->qsend, (short)(all_sent ? POLLIN : POLLOUT));
	watched[P_SIGNALS] = wait_for(signals, POLLIN);
	watched[P_GETPW] = wait_for(pwask_fd(), POLLIN);
	for (struct child *c = children; c != NULL; c = c->next) {
		watched[n++] = wait_for(c->sock, POLLIN);
		watched[n++] = wait_for(c->said.fd, POLLIN);
	}
	return n;
}

/* Children are only added (in front) and freed outside of this walk. */
static void hear_children(struct child *first, nfds_t n)
{
	struct child *c = first;

	for (nfds_t i = P_CHILDREN; i < n && c != NULL; i += 2, c = c->next) {
		if (watched[i].revents != 0 && c->sock == watched[i].fd)
			ljob_hear(c);
		if (watched[i + 1].revents != 0 && c->said.fd == watched[i + 1].fd)
			said_read(&c->said);
	}
}

static _Noreturn void serve(const struct options *o, int signals)
{
	for (;;) {
		int all_sent = ljob_flush();
		struct child *first = children;
		nfds_t n;

		if (all_sent == -1)
			stop();
		n = fill(o, signals, all_sent);
		if (poll(watched, n, ljob_busy() ? 1000 : -1) == -1 && errno != EINTR)
			die_sys(EXIT_TEMP, "wait for events");
		if (watched[P_LIFELINE].revents != 0)
			stop();
		hear_children(first, n);
		if (watched[P_SIGNALS].revents != 0)
			hear_signals(signals);
		if (watched[P_GETPW].revents != 0)
			pwask_receive(ljob_settled);
		if (watched[P_QSEND].revents != 0 && all_sent)
			hear_qsend(o->qsend);
		pwask_tick(ljob_settled);
		ljob_tick();
	}
}

int main(int argc, char **argv)
{
	struct options o = {NULL, -1, -1, LOCALJOB_SECONDS};
	int signals;

	prog_init("qlspawn");
	take_options(&o, argc, argv);
	signals = open_signals();
	if (signals == -1)
		die_sys(EXIT_TEMP, "watch for signals");
	ljob_init(o.qsend, o.dir, o.seconds);
	serve(&o, signals);
}
