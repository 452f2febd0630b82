/* qauth: is this password right? And if so, who may run a server now?
 *
 * Runs as root, because it becomes users. It reads frames of named limits from Quoin's
 * own programs, and no mail, no network byte, no password table but uid, gid and home in
 * users/passwd.cdb. It judges nothing itself: a process does (judge.h), with a time
 * limit. It never waits for one of them, never runs anything as uid 0 but the admin's
 * control/checkpassword, and logs no password. No sandbox: its children would inherit it.
 *
 *	run/qauth-smtp/sock	lib/authask.h: judges
 *	run/qauth-login/sock	the same, and starts servers
 *	2			log
 */
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args.h"
#include "ask.h"
#include "catch.h"
#include "clock.h"
#include "control.h"
#include "prog.h"
#include "ready.h"
#include "rules.h"
#include "slice.h"
#include "usock.h"
#include "words.h"

static const char usage[] =
    "qauth [-C dir] [-d fd] -a uid:gid [-j judges] [-S service=program] ...";

enum { JUDGES_MAX = 256, PAUSE_MS = 100 };

static struct door doors[] = {{"qauth-smtp", 0, -1, 0}, {"qauth-login", 1, -1, 0}};
enum { DOORS = sizeof doors / sizeof *doors };

static struct owner judge_owner = OWNER_NONE;
static unsigned builtin_judges;
static int64_t accept_again; /* after there were no descriptors */

/* ---- what happens ---- */

static void take_caller(void *arg)
{
	struct door *d = arg;
	int fd = accept4(d->sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd != -1)
		ask_new(d, fd);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
		warn_sys("take a caller");
		accept_again = clock_mono_ms() + PAUSE_MS;
	}
}

static void hear_caller(void *arg)
{
	ask_hear(arg);
}
static void hear_server(void *arg)
{
	ask_hear_server(arg);
}
static void hear_judge(void *arg)
{
	ask_hear_judge(arg);
}
static void hear_said(void *arg)
{
	said_read(arg);
}

/* ---- what poll() watches ---- */

enum { WATCH_MAX = 1 + DOORS + DOORS * ASKS_MAX * 2 + (JUDGES_MAX + SERVERS_RUN) * 2 };

static struct pollfd watched[WATCH_MAX];
static struct {
	void (*hear)(void *);
	void *arg;
} whom[WATCH_MAX];
static nfds_t nwatched;

static void watch(int fd, void (*hear)(void *), void *arg)
{
	if (fd == -1 || nwatched == WATCH_MAX)
		return;
	watched[nwatched] = (struct pollfd){.fd = fd, .events = POLLIN};
	whom[nwatched].hear = hear;
	whom[nwatched].arg = arg;
	nwatched++;
}

static void watch_all(int signals)
{
	nwatched = 0;
	watch(signals, NULL, NULL);
	for (struct door *d = doors; d < doors + DOORS; d++)
		if (d->n < ASKS_MAX && clock_mono_ms() >= accept_again)
			watch(d->sock, take_caller, d);
	for (struct ask *a = asks; a != NULL; a = a->next) {
		watch(a->fd, hear_caller, a);
		if (a->state == STARTING)
			watch(a->started, hear_server, a);
	}
	for (struct child *c = children; c != NULL; c = c->next) {
		watch(c->report, hear_judge, c);
		watch(c->said.fd, hear_said, &c->said);
	}
}

/* ---- signals ---- */

static void reload(void)
{
	if (rules_load(builtin_judges) == -1)
		warn_msg("%s; the old control files stay in force", control_error());
}

/* Servers go on; judges have nobody to tell. */
static _Noreturn void stop(void)
{
	for (struct child *c = children; c != NULL; c = c->next)
		if (c->is_judge)
			child_kill(c);
	_exit(0);
}

static void hear_signals(int fd)
{
	int sig;

	while ((sig = sigfd_next(fd)) != 0)
		switch (sig) {
		case SIGTERM:
			stop();
		case SIGHUP:
			reload();
			break;
		default:
			break; /* SIGCHLD: below */
		}
	ask_reap();
}

/* Signals last: what they free is not looked at again. */
static _Noreturn void serve(int signals)
{
	for (;;) {
		int64_t next = ask_tick();

		if (accept_again > clock_mono_ms())
			next = clock_sooner(next, accept_again);
		watch_all(signals);
		if (poll(watched, nwatched, clock_left_ms(next)) == -1) {
			if (errno != EINTR)
				die_sys(EXIT_TEMP, "wait for events");
			continue;
		}
		for (nfds_t i = 1; i < nwatched; i++)
			if (watched[i].revents != 0)
				whom[i].hear(whom[i].arg);
		if (watched[0].revents != 0)
			hear_signals(signals);
	}
}

/* ---- the start ---- */

/* A password takes a core for a moment: more at once would only share it. */
static unsigned count_cores(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < JUDGES_MAX ? (unsigned)n : JUDGES_MAX;
}

static int arguments(int argc, char **argv)
{
	int notify = -1;
	const struct owner none = OWNER_NONE;
	const struct arg table[] = {{'d', arg_fd, &notify, 0, 0},
				    {'a', arg_owner, &judge_owner, 0, 0},
				    {'j', arg_num, &builtin_judges, 1, JUDGES_MAX},
				    {'S', arg_server, NULL, 0, 0},
				    {0}};

	builtin_judges = count_cores();
	args_only(usage, table, argc, argv);
	if (judge_owner.uid == none.uid)
		die_usage(usage);
	return notify;
}

static void configure(void)
{
	if (rules_load(builtin_judges) == -1)
		die_msg(EXIT_TEMP, "unable to read %s", control_error());
}

/* Nobody's password in a core file; nothing of the caller's directory, mask or groups,
 * for a checker may forget those. */
static void limit_self(void)
{
	const struct rlimit none = {0, 0};

	(void)umask(077);
	if ((geteuid() == 0 && setgroups(0, NULL) == -1) || chdir("/") == -1 ||
	    setrlimit(RLIMIT_CORE, &none) == -1 || prctl(PR_SET_DUMPABLE, 0) == -1)
		die_sys(EXIT_TEMP, "limit itself");
}

/* Two for each server, three for each request: as many as may be. */
static void raise_files(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == -1)
		return;
	if (l.rlim_cur < WATCH_MAX + ASKS_MAX * DOORS + 20)
		l.rlim_cur = WATCH_MAX + ASKS_MAX * DOORS + 20;
	if (l.rlim_cur > l.rlim_max)
		l.rlim_cur = l.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

static int open_signals(void)
{
	static const int list[] = {SIGCHLD, SIGHUP, SIGTERM, 0};
	sigset_t old;
	int fd = catch_signals(list, &old);

	if (child_init(&old) == -1)
		die_sys(EXIT_TEMP, "open /dev/null");
	return fd;
}

static void open_doors(void)
{
	for (struct door *d = doors; d < doors + DOORS; d++)
		if ((d->sock = usock_listen(d->name, SOCK_SEQPACKET, 0660)) == -1)
			die_sys2(EXIT_TEMP, "listen at run", d->name);
}

int main(int argc, char **argv)
{
	int signals;
	int notify;

	prog_init("qauth");
	notify = arguments(argc, argv);
	configure();
	limit_self();
	slice_short();
	signals = open_signals();
	raise_files(); /* children get back what was before */
	open_doors();
	ask_init(&judge_owner);
	ready_notify(notify);
	serve(signals);
}
