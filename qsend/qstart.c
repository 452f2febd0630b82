/* qstart: makes the socket pairs between qsend, the spawners and qbounce, starts the
 * four, and holds the lifeline: when it ends, for whatever reason, they all end. When one
 * of them ends it ends too (111), and its supervisor starts all of them anew.
 *
 * Uid:         root until the four are started, then qsend's; or one ordinary user
 *              for all.
 * Descriptors: keeps the writing end of the lifeline alone.
 * Reads:       nothing: no file, no frame.
 * Sandbox:     none: its limits would be those of users' programs under qlspawn.
 * Signals:     TERM: qsend gets 30 s for deliveries under way. HUP and ALRM are
 *              handed to qsend.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "owner.h"
#include "paths.h"
#include "prog.h"
#include "usock.h"

static const char usage[] = "qstart [-C dir] [-d fd] -s uid:gid -r uid:gid";
enum { QSEND, QLSPAWN, QRSPAWN, QBOUNCE, PROGRAMS };
enum { STOP_MS = 35000, END_MS = 5000, WORDS = 16, DIGITS = 12 };

static struct {
	int notify;
	struct owner send, remote;
	int lifeline[2];
	int pair[PROGRAMS][2]; /* with qsend; [0] is qsend's */
	pid_t pid[PROGRAMS];
} self = {.notify = -1, .send = OWNER_NONE, .remote = OWNER_NONE};

static const char *const names[PROGRAMS] = {"qsend", "qlspawn", "qrspawn", "qbounce"};

/* ---- arguments ---- */

static void arguments(int argc, char **argv)
{
	static const struct arg table[] = {{'d', arg_fd, &self.notify, 0, 0},
					   {'s', arg_owner, &self.send, 0, 0},
					   {'r', arg_owner, &self.remote, 0, 0},
					   {0}};
	static const struct owner none = OWNER_NONE;

	args_only(usage, table, argc, argv);
	if (self.send.uid == none.uid || self.remote.uid == none.uid)
		die_usage(usage);
	if (self.send.uid == 0 || self.remote.uid == 0)
		die_msg(EXIT_PERM, "-s and -r must not be root");
}

/* ---- starting ---- */

struct command {
	char *argv[WORDS];
	char numbers[WORDS][DIGITS];
	int n;
};

static void add(struct command *c, const char *word)
{
	c->argv[c->n++] = (char *)word;
}

/* An option and a descriptor, which the program will find open. */
static void add_fd(struct command *c, const char *option, int fd)
{
	if (fcntl(fd, F_SETFD, 0) == -1)
		die_sys(EXIT_TEMP, "hand over a descriptor");
	add(c, option);
	(void)snprintf(c->numbers[c->n], DIGITS, "%d", fd);
	add(c, c->numbers[c->n]);
}

static void become(const struct owner *o)
{
	if (owner_become(o) == -1)
		die_sys(EXIT_TEMP, "change the user");
}

static _Noreturn void exec_program(int p)
{
	struct command c = {.n = 0};
	char path[LIMIT_PATH];

	add(&c, names[p]);
	if (args_home != NULL) {
		add(&c, "-C");
		add(&c, args_home);
	}
	add_fd(&c, "-l", self.lifeline[0]);
	if (p == QSEND) {
		add_fd(&c, "-L", self.pair[QLSPAWN][0]);
		add_fd(&c, "-R", self.pair[QRSPAWN][0]);
		add_fd(&c, "-B", self.pair[QBOUNCE][0]);
		if (self.notify != -1)
			add_fd(&c, "-d", self.notify);
	} else
		add_fd(&c, "-q", self.pair[p][1]);
	if (p != QLSPAWN)
		become(p == QRSPAWN ? &self.remote : &self.send);
	if (path_join(path, sizeof path, paths.bin, names[p]) != NULL)
		(void)execv(path, c.argv);
	die_sys2(EXIT_TEMP, "start", names[p]);
}

static void start(int p, const sigset_t *awake)
{
	self.pid[p] = fork();
	if (self.pid[p] == -1)
		die_sys2(EXIT_TEMP, "start", names[p]);
	if (self.pid[p] == 0) {
		(void)sigprocmask(SIG_SETMASK, awake, NULL);
		exec_program(p);
	}
}

static void make_pipes(void)
{
	if (pipe2(self.lifeline, O_CLOEXEC) == -1)
		die_sys(EXIT_TEMP, "make the lifeline");
	for (int p = QLSPAWN; p < PROGRAMS; p++)
		if (usock_pair(self.pair[p]) == -1)
			die_sys(EXIT_TEMP, "make a socket pair");
}

static void close_ours(void)
{
	(void)close(self.lifeline[0]);
	for (int p = QLSPAWN; p < PROGRAMS; p++) {
		(void)close(self.pair[p][0]);
		(void)close(self.pair[p][1]);
	}
	if (self.notify != -1)
		(void)close(self.notify);
}

/* ---- keeping ---- */

static int running(void)
{
	int n = 0;

	for (int p = 0; p < PROGRAMS; p++)
		n += self.pid[p] > 0;
	return n;
}

/* Note who has ended: how many. */
static int reap(int say)
{
	int ended = 0;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int p = 0; p < PROGRAMS; p++) {
			if (self.pid[p] != pid)
				continue;
			self.pid[p] = 0;
			ended++;
			if (say && WIFSIGNALED(status))
				warn_msg("%s ended by signal %d", names[p],
					 WTERMSIG(status));
			else if (say)
				warn_msg("%s ended with %d", names[p],
					 WEXITSTATUS(status));
		}
	return ended;
}

/* The next signal, or 0 when the time is over. */
static int next_signal(const sigset_t *set, int64_t deadline)
{
	int left = clock_left_ms(deadline);
	struct timespec t = {left / 1000, left % 1000 * 1000000L};
	int sig = sigtimedwait(set, NULL, &t);

	return sig == -1 && errno == EAGAIN ? 0 : sig;
}

/* Wait until qsend, or with all everybody, has ended. */
static void wait_end(const sigset_t *set, int all, int64_t ms)
{
	int64_t deadline = clock_mono_ms() + ms;

	(void)reap(0);
	while ((all ? running() > 0 : self.pid[QSEND] > 0) &&
	       next_signal(set, deadline) != 0)
		(void)reap(0);
}

static _Noreturn void finish(const sigset_t *set, int code)
{
	(void)close(self.lifeline[1]);
	wait_end(set, 1, END_MS);
	_exit(code);
}

static void tell_qsend(int sig)
{
	if (self.pid[QSEND] > 0)
		(void)kill(self.pid[QSEND], sig);
}

static _Noreturn void keep(const sigset_t *set)
{
	for (;;) {
		int sig = sigwaitinfo(set, NULL);

		if (sig == SIGCHLD && reap(1) > 0)
			finish(set, EXIT_TEMP);
		if (sig == SIGHUP || sig == SIGALRM)
			tell_qsend(sig);
		if (sig == SIGTERM || sig == SIGINT) {
			tell_qsend(SIGTERM);
			wait_end(set, 0, STOP_MS);
			finish(set, 0);
		}
	}
}

int main(int argc, char **argv)
{
	static const int signals[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGALRM};
	sigset_t set;
	sigset_t awake;

	prog_init("qstart");
	arguments(argc, argv);
	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		(void)sigaddset(&set, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &set, &awake);
	make_pipes();
	for (int p = 0; p < PROGRAMS; p++)
		start(p, &awake);
	close_ours();
	become(&self.send);
	keep(&set);
}
