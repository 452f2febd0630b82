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
 *	run/qlspawn	qrcpt asks whether a mailbox is full (room.h); a local part is all that it
 *		may say, and who that is, is looked up here
 *	2	log; what children write arrives here with user and pid in front
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "args.h"
#include "catch.h"
#include "ljob.h"
#include "localjob.h"
#include "owner.h"
#include "prog.h"
#include "pwask.h"
#include "room.h"
#include "usock.h"

static const char usage[] = "qlspawn [-C dir] -l fd -q fd [-a uid:gid] [-t seconds]";

static int lifeline = -1;
static int qsend = -1;
static int signals; /* ends of children, and the wish to stop */

static void arguments(int argc, char **argv)
{
	unsigned seconds = LOCALJOB_SECONDS;
	struct owner alias = OWNER_NONE;
	const struct arg table[] = {{'l', arg_fd, &lifeline, 0, 0},
				    {'q', arg_fd, &qsend, 0, 0},
				    {'a', arg_owner, &alias, 0, 0},
				    {'t', arg_num, &seconds, 0, 86400},
				    {0}};

	args_only(usage, table, argc, argv);
	if (lifeline == -1 || qsend == -1)
		die_usage(usage);
	pwask_alias(&alias);
	ljob_init(qsend, seconds);
}

/* Children see the end of file on their sockets when we are gone. */
static _Noreturn void stop(void)
{
	_exit(0);
}

static void hear_signals(void)
{
	int sig;

	while ((sig = sigfd_next(signals)) != 0)
		if (sig != SIGCHLD)
			stop();
}

static void hear_qsend(void)
{
	static char frame[LIMIT_FRAME];
	int passed;
	ssize_t r = usock_recv(qsend, frame, sizeof frame, &passed);

	if (r == 0)
		stop();
	if (r == -1 && errno == EAGAIN)
		return;
	if (r == -1 || ljob_take(frame, (size_t)r, passed) == -1)
		die_sys(EXIT_TEMP, "read a job from qsend");
}

/* What poll() watches; children in the order of their list, two entries each. */
enum {
	P_LIFELINE,
	P_QSEND,
	P_SIGNALS,
	P_GETPW,
	P_ROOM,
	P_CHILDREN = P_ROOM + ROOM_POLLS
};
static struct pollfd watched[P_CHILDREN + 2 * CHILDREN_MAX];

static struct pollfd wait_for(int fd, short events)
{
	return (struct pollfd){.fd = fd, .events = events};
}

static nfds_t fill(int all_sent)
{
	nfds_t n = P_CHILDREN;

	watched[P_LIFELINE] = wait_for(lifeline, POLLIN);
	watched[P_QSEND] = wait_for(qsend, (short)(all_sent ? POLLIN : POLLOUT));
	watched[P_SIGNALS] = wait_for(signals, POLLIN);
	watched[P_GETPW] = wait_for(pwask_fd(), POLLIN);
	room_poll(watched + P_ROOM);
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

static void settled(const char *name, char result)
{
	ljob_settled(name, result);
	room_settled(name, result);
}

static _Noreturn void serve(void)
{
	for (;;) {
		int all_sent = ljob_flush();
		struct child *first = children;
		nfds_t n;

		if (all_sent == -1)
			stop();
		n = fill(all_sent);
		if (poll(watched, n, ljob_busy() || room_busy() ? 1000 : -1) == -1 &&
		    errno != EINTR)
			die_sys(EXIT_TEMP, "wait for events");
		if (watched[P_LIFELINE].revents != 0)
			stop();
		hear_children(first, n);
		if (watched[P_SIGNALS].revents != 0)
			hear_signals();
		if (watched[P_GETPW].revents != 0)
			pwask_receive(settled);
		if (watched[P_QSEND].revents != 0 && all_sent)
			hear_qsend();
		room_hear(watched + P_ROOM);
		pwask_tick(settled);
		ljob_tick();
		room_tick();
	}
}

int main(int argc, char **argv)
{
	static const int caught[] = {SIGCHLD, SIGTERM, SIGINT, 0};
	prog_init("qlspawn");
	arguments(argc, argv);
	signals = catch_signals(caught, NULL);
	if (room_init() == -1)
		warn_sys("listen at run/qlspawn");
	serve();
}
