#include "serve.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "handover.h"
#include "prog.h"
#include "qlog.h"
#include "seats.h"
#include "sigfd.h"
#include "stem.h"
#include "ucspi.h"

enum { PAUSE_MS = 1000 };

static struct {
	int signals;
	sigset_t mask; /* of our programs */
	int ending;
	int was_full;
	int64_t pause_until; /* no descriptors or processes are left */
} state;

int serve_prepare(void)
{
	static const int ours[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, 0};

	state.signals = sigfd_open(ours, &state.mask);
	if (state.signals == -1)
		return -1;
	/* of a predecessor */
	for (const int *sig = ours; *sig != 0; sig++)
		(void)sigdelset(&state.mask, *sig);
	(void)signal(SIGPIPE, SIG_IGN);
	return 0;
}

static void stop_listening(struct options *o)
{
	for (size_t i = 0; i < o->nfds; i++)
		(void)close(o->fds[i]);
	o->nfds = 0;
	state.ending = 1;
	stem_drop();
}

/* Nobody gets a second try at one layout of memory. */
static void note_crash(const struct options *o, pid_t pid, int status)
{
	if (!o->template || !WIFSIGNALED(status))
		return;
	warn_msg("session %ld was ended by signal %d", (long)pid, WTERMSIG(status));
	stem_drop();
}

static void reap(struct options *o)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!stem_was(pid, status) && seats_give(o->seats, pid))
			note_crash(o, pid, status);
}

/* Our children stay its children: it is the same process. The signals stay blocked, so
 * that none is lost on the way. */
static void make_way(const struct options *o)
{
	char text[16];
	int fd = handover_save(o);

	if (fd == -1) {
		warn_sys("hand over");
		return;
	}
	(void)snprintf(text, sizeof text, "%d", fd);
	(void)execl(o->successor, o->successor, "-i", text, (char *)NULL);
	warn_sys2("run", o->successor);
	handover_undo(o, fd);
}

/* One at a time: what came behind a SIGHUP is the successor's to take. */
static void take_signals(struct options *o)
{
	int sig;

	while ((sig = sigfd_next(state.signals)) != 0) {
		if (sig == SIGCHLD)
			reap(o);
		else if (sig == SIGHUP) {
			if (o->successor != NULL && !state.ending)
				make_way(o);
		} else if (!state.ending)
			stop_listening(o);
	}
}

/* The machine is short of something: not in a circle at full speed. */
static void pause_for(const char *what)
{
	warn_sys(what);
	state.pause_until = clock_mono_ms() + PAUSE_MS;
}

static void turn_away(const struct options *o, int fd, const struct sockaddr *sa,
		      enum seat_answer why, int *told)
{
	struct endpoint e;
	struct qlog l;

	if (o->sorry != NULL) {
		(void)!send(fd, o->sorry, strlen(o->sorry), MSG_DONTWAIT | MSG_NOSIGNAL);
		(void)!send(fd, "\r\n", 2, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	if (*told)
		return;
	*told = 1;
	endpoint_set(&e, sa);
	qlog_begin(&l, "refuse");
	qlog_str(&l, "reason",
		 why == SEAT_TOO_MANY ? "too many of this address"
				      : "too fast for one address");
	qlog_str(&l, "client", e.ip);
	qlog_end(&l);
}

static void welcome(const struct options *o, int fd, const struct sockaddr *sa)
{
	int *told;
	enum seat_answer answer = seats_ask(o->seats, sa, clock_mono_ms(), &told);
	pid_t pid;

	if (answer != SEAT_YES) {
		turn_away(o, fd, sa, answer, told);
		return;
	}
	pid = child_start(o, fd, sa, &state.mask);
	if (pid > 0)
		seats_take(o->seats, pid);
	else if (pid == -1)
		pause_for("start a session");
}

static void accept_one(const struct options *o, int listener)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	int fd = accept4(listener, (struct sockaddr *)&sa, &len, SOCK_CLOEXEC);

	if (fd == -1) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS)
			pause_for("accept");
		return; /* the rest: a client that left */
	}
	welcome(o, fd, (struct sockaddr *)&sa);
	(void)close(fd);
}

static void note_full(const struct options *o)
{
	int full = seats_full(o->seats);

	if (full && !state.was_full)
		warn_msg("all %u connections are in use; new ones wait",
			 seats_taken(o->seats));
	state.was_full = full;
}

static void one_round(struct options *o)
{
	struct pollfd p[LISTENERS_MAX + 1] = {{state.signals, POLLIN, 0}};
	int wait = clock_left_ms(state.pause_until);
	nfds_t n = 1;

	if (wait == 0) {
		wait = -1;
		for (size_t i = 0; i < o->nfds && !seats_full(o->seats); i++)
			p[n++] = (struct pollfd){o->fds[i], POLLIN, 0};
	}
	if (poll(p, n, wait) <= 0)
		return;
	if (p[0].revents != 0) /* first: a crash, and who comes behind it */
		take_signals(o);
	for (nfds_t i = 1; i < n && !state.ending && !seats_full(o->seats); i++)
		if (p[i].revents != 0)
			accept_one(o, p[i].fd);
	note_full(o);
}

int serve(struct options *o)
{
	while (!state.ending || seats_taken(o->seats) > 0)
		one_round(o);
	return 0;
}
