#include "starter.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "heir.h"
#include "prog.h"
#include "session.h"
#include "sigfd.h"
#include "usock.h"

enum { WARN_MS = 10000 };

int starter_prepare(struct starter *s)
{
	static const int list[] = {SIGCHLD, SIGHUP, SIGTERM, SIGINT, 0};

	(void)signal(SIGPIPE, SIG_IGN);
	s->signals = sigfd_open(list, NULL);
	s->started = clock_mono_ms();
	s->restart_at = CLOCK_NEVER;
	s->warned_at = s->started - WARN_MS;
	return s->signals == -1 ? -1 : 0;
}

/* ---- itself, anew ---- */

static void run(struct starter *s, const char *program)
{
	(void)heir_make(program, s->argv, s->place, &s->doors, &s->crowd);
	warn_sys2("run", program);
}

/* If that fails we serve on as we are, but not after a crash. */
static void restart(struct starter *s)
{
	run(s, s->program);
	if (s->restart_at != CLOCK_NEVER)
		s->restart_at = clock_mono_ms() + STARTER_PAUSE_MS;
}

static void restart_soon(struct starter *s)
{
	int64_t at = s->started + STARTER_PAUSE_MS;

	if (s->restart_at == CLOCK_NEVER)
		s->restart_at = at > clock_mono_ms() ? at : clock_mono_ms();
}

/* ---- nobody calls ---- */

static void begin_idle(struct starter *s)
{
	s->idle_at = s->idle_ms > 0 && s->crowd.n == 0 ? clock_mono_ms() + s->idle_ms
						       : CLOCK_NEVER;
}

static void end_idle(struct starter *s)
{
	if (clock_left_ms(s->idle_at) != 0)
		return;
	run(s, s->waiter);
	begin_idle(s);
}

static void reap(struct starter *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (!crowd_remove(&s->crowd, pid) || !WIFSIGNALED(status))
			continue;
		warn_msg("session %ld was ended by signal %d", (long)pid,
			 WTERMSIG(status));
		restart_soon(s);
	}
	begin_idle(s);
}

/* Sessions under way go on without us. */
static void take_signals(struct starter *s)
{
	int sig;

	while ((sig = sigfd_next(s->signals)) != 0) {
		if (sig == SIGTERM || sig == SIGINT)
			exit(0);
		if (sig == SIGCHLD)
			reap(s);
		else
			restart(s);
	}
}

/* ---- a caller ---- */

static void say_busy(int caller, const char *why)
{
	char frame[128];
	int n = snprintf(frame, sizeof frame, "-B%s", why);

	(void)usock_send(caller, frame, (size_t)n + 1, -1);
}

static void warn_seldom(struct starter *s, const char *what, uid_t uid)
{
	if (clock_left_ms(s->warned_at + WARN_MS) > 0)
		return;
	s->warned_at = clock_mono_ms();
	warn_msg("a caller is turned away: uid %lu %s", (unsigned long)uid, what);
}

/* Nothing is kept but what the session is for: 0 the caller, 1 the pair. */
static int keep_two(struct session_start *with)
{
	if (dup2(with->caller, 0) == -1)
		return -1;
	with->caller = 0;
	(void)close(1);
	if (with->key != -1 && dup2(with->key, 1) == -1)
		return -1;
	with->key = with->key != -1 ? 1 : -1;
	closefrom(3);
	return 0;
}

static _Noreturn void be_session(const struct starter *s, int caller, int key, uid_t uid)
{
	struct session_start with = {&s->role, caller, key, uid};
	sigset_t none;

	(void)sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) == -1 || keep_two(&with) == -1)
		die_sys(EXIT_TEMP, "start a session");
	session(&with);
}

static void start(struct starter *s, int caller, int key, uid_t uid)
{
	pid_t pid = fork();

	if (pid == 0)
		be_session(s, caller, key, uid);
	if (pid == -1) {
		warn_sys("start a session");
		say_busy(caller, "no process is left");
	} else
		(void)crowd_add(&s->crowd, pid, uid);
	begin_idle(s);
}

static void welcome(struct starter *s, int caller, uid_t uid)
{
	const char *why;
	int key = -1;

	if (s->crowd.n == CROWD_MAX || crowd_of(&s->crowd, uid) >= s->limit) {
		warn_seldom(s, "has too many sessions", uid);
		say_busy(caller, "too many sessions");
		return;
	}
	if (s->role.server && (key = keylink_pair(&s->keys, &why)) == -1) {
		say_busy(caller, why);
		return;
	}
	start(s, caller, key, uid);
	if (key != -1)
		(void)close(key);
}

static void accept_one(struct starter *s, const struct door *d)
{
	int caller = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC);
	uid_t uid;
	pid_t pid;

	if (caller == -1) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			warn_sys("accept a caller");
			(void)poll(NULL, 0, STARTER_PAUSE_MS / 10);
		}
		return;
	}
	if (usock_peer(caller, &uid, &pid) == 0 && door_lets_in(d, uid))
		welcome(s, caller, uid);
	else
		warn_seldom(s, "may not call here", uid);
	(void)close(caller);
}

/* ---- the loop ---- */

static int may_accept(const struct starter *s)
{
	return s->restart_at == CLOCK_NEVER && keylink_is_settled(&s->keys);
}

static void one_round(struct starter *s)
{
	struct pollfd p[DOORS_MAX + 2] = {{s->signals, POLLIN, 0},
					  {s->keys.used ? s->keys.fd : -1, POLLIN, 0}};
	int64_t until =
	    clock_sooner(clock_sooner(s->restart_at, s->idle_at), keylink_next(&s->keys));
	size_t doors = may_accept(s) ? s->doors.n : 0;

	for (size_t i = 0; i < doors; i++)
		p[i + 2] = (struct pollfd){s->doors.door[i].fd, POLLIN, 0};
	if (poll(p, doors + 2, clock_left_ms(until)) == -1)
		return;
	if (p[0].revents != 0)
		take_signals(s);
	if (p[1].revents != 0)
		keylink_lost(&s->keys);
	for (size_t i = 0; i < doors && may_accept(s); i++)
		if (p[i + 2].revents != 0)
			accept_one(s, &s->doors.door[i]);
	if (keylink_tick(&s->keys) || clock_left_ms(s->restart_at) == 0)
		restart(s);
	end_idle(s);
}

_Noreturn void starter_serve(struct starter *s)
{
	reap(s); /* those that ended while we began */
	for (;;)
		one_round(s);
}
