#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "fdio.h"
#include "owner.h"
#include "paths.h"
#include "prog.h"
#include "usock.h"

int user_same(const struct route_user *a, const struct route_user *b)
{
	return a->uid == b->uid && a->gid == b->gid && strcmp(a->name, b->name) == 0 &&
	       strcmp(a->home, b->home) == 0;
}

/* ---- in the child ---- */

static int open_null(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null == -1)
		die_sys(EXIT_TEMP, "open /dev/null");
	return null;
}

static void set_descriptors(int sock, int log)
{
	int null = open_null();

	/* above 3 first, so that no step closes what a later one needs */
	sock = fcntl(sock, F_DUPFD_CLOEXEC, 10);
	log = fcntl(log, F_DUPFD_CLOEXEC, 10);
	if (sock == -1 || log == -1 || dup2(log, 2) == -1 || dup2(log, 1) == -1 ||
	    dup2(null, 0) == -1 || dup2(sock, 3) == -1)
		die_sys(EXIT_TEMP, "arrange descriptors");
}

/* Our log is none of the user's. */
static void close_descriptors(void)
{
	int null = open_null();

	if (dup2(null, 0) == -1 || dup2(null, 1) == -1 || dup2(null, 2) == -1)
		_exit(EXIT_TEMP);
}

static void reset_signals(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become(const struct route_user *u)
{
	const struct owner owner = {u->uid, u->gid};

	reset_signals();
	(void)umask(077);
	if (chdir("/") == -1)
		die_sys(EXIT_TEMP, "change to /");
	if (owner_become(&owner) == -1)
		die_sys2(EXIT_TEMP, "become", u->name);
}

/* what: "-q", with the socket at 3, or "-f" */
static _Noreturn void exec_qlocal(const struct route_user *u, const char *what)
{
	static const char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	char qlocal[LIMIT_PATH];
	char *env[] = {(char *)path, NULL};
	const char *argv[10];
	size_t n = 0;

	argv[n++] = "qlocal";
	if (args_home != NULL) {
		argv[n++] = "-C";
		argv[n++] = args_home;
	}
	argv[n++] = what;
	if (strcmp(what, "-q") == 0)
		argv[n++] = "3";
	argv[n++] = "-u";
	argv[n++] = u->name;
	argv[n++] = "-h";
	argv[n++] = u->home;
	argv[n] = NULL;
	if (path_join(qlocal, sizeof qlocal, paths.bin, "qlocal") != NULL)
		(void)execve(qlocal, (char **)argv, env);
	die_sys2(EXIT_TEMP, "run", qlocal);
}

static _Noreturn void run(const struct route_user *u, int sock, int log)
{
	(void)setpgid(0, 0);
	set_descriptors(sock, log);
	become(u);
	exec_qlocal(u, "-q");
}

/* ---- in qlspawn ---- */

static void close_both(const int fds[2])
{
	int e = errno;

	(void)close(fds[0]);
	(void)close(fds[1]);
	errno = e;
}

static struct child *start(struct child *c)
{
	int sock[2];
	int log[2];

	if (usock_pair(sock) == -1)
		return NULL;
	if (pipe2(log, O_CLOEXEC) == -1) {
		close_both(sock);
		return NULL;
	}
	c->pid = fd_nonblock(log[0]) == 0 ? fork() : -1;
	if (c->pid == 0)
		run(&c->user, sock[1], log[1]);
	if (c->pid == -1) {
		close_both(sock);
		close_both(log);
		return NULL;
	}
	(void)close(sock[1]);
	(void)close(log[1]);
	(void)setpgid(c->pid, c->pid);
	c->sock = sock[0];
	c->since = clock_mono_ms();
	said_init(&c->said, log[0], c->user.name, c->pid);
	return c;
}

struct child *child_start(const struct route_user *u)
{
	struct child *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->user = *u;
	if (start(c) == NULL) {
		int e = errno;

		free(c);
		errno = e;
		return NULL;
	}
	return c;
}

pid_t child_ask(const struct route_user *u)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)setpgid(0, 0);
		close_descriptors();
		become(u);
		exec_qlocal(u, "-f");
	}
	if (pid > 0)
		(void)setpgid(pid, pid);
	return pid;
}

void child_close(struct child *c)
{
	if (c->sock != -1)
		(void)close(c->sock);
	c->sock = -1;
}

void child_kill(struct child *c)
{
	if (kill(-c->pid, SIGKILL) == -1)
		(void)kill(c->pid, SIGKILL);
	child_close(c);
}

/* Its number stays its own until it is reaped: the group is killed before. */
int child_reap(struct child *c)
{
	siginfo_t info = {.si_pid = 0};

	if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == -1 ||
	    info.si_pid == 0)
		return 0;
	if (c->job != NULL)
		child_kill(c);
	(void)waitpid(c->pid, NULL, 0);
	return 1;
}

void child_free(struct child *c)
{
	child_close(c);
	said_end(&c->said);
	free(c);
}
