#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checkpass.h"
#include "clock.h"
#include "fdio.h"
#include "judge.h"
#include "prog.h"
#include "template.h"
#include "usock.h"

enum { ENV_MAX = 7, ENV_LEN = 7 + LIMIT_PATH, FDS = 5 };

struct child *children;

static sigset_t mask;
static struct rlimit files;
static int null_fd;

int child_init(const sigset_t *m)
{
	mask = *m;
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return null_fd == -1 ? -1 : getrlimit(RLIMIT_NOFILE, &files);
}

unsigned child_count(int is_judge)
{
	unsigned n = 0;

	for (const struct child *c = children; c != NULL; c = c->next)
		n += !c->is_stem && !c->is_spare && c->is_judge == is_judge;
	return n;
}

unsigned child_servers_of(const char *account)
{
	unsigned n = 0;

	for (const struct child *c = children; c != NULL; c = c->next)
		n += !c->is_stem && !c->is_judge && strcmp(c->name, account) == 0;
	return n;
}

/* ---- in the child ---- */

struct start {
	const struct words *words;
	const struct owner *owner; /* NULL: as we are */
	const char *home;          /* NULL: "/" */
	int fds[FDS];              /* what stands at 0, 1, …; -1: nothing */
	int failed;                /* a pipe that hears of a failure, or -1 */
	size_t nenv;
	char env[ENV_MAX][ENV_LEN];
};

static _Noreturn void give_up(const struct start *s, const char *what, const char *which)
{
	int e = errno;

	if (s->failed != -1)
		(void)!write(s->failed, "N", 1);
	errno = e;
	die_sys2(EXIT_TEMP, what, which);
}

/* Above all of them first, so that no step closes what a later one needs. */
static void set_descriptors(struct start *s)
{
	for (int i = 0; i < FDS; i++)
		if (s->fds[i] != -1 &&
		    (s->fds[i] = fcntl(s->fds[i], F_DUPFD_CLOEXEC, FDS + 5)) == -1)
			give_up(s, "arrange", "descriptors");
	for (int i = 0; i < FDS; i++)
		if (s->fds[i] != -1 && dup2(s->fds[i], i) == -1)
			give_up(s, "arrange", "descriptors");
}

static _Noreturn void run(struct start *s)
{
	char *env[ENV_MAX + 1];

	for (size_t i = 0; i < s->nenv; i++)
		env[i] = s->env[i];
	env[s->nenv] = NULL;
	(void)setsid();
	set_descriptors(s);
	(void)setrlimit(RLIMIT_NOFILE, &files);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	if (s->owner != NULL && owner_become(s->owner) == -1)
		give_up(s, "become the user of", s->words->argv[0]);
	if (s->home != NULL && chdir(s->home) == -1)
		give_up(s, "change to", s->home);
	(void)execve(s->words->program, (char **)s->words->argv, env);
	give_up(s, "run", s->words->program);
}

/* ---- in qauth ---- */

static void set_env(struct start *s, const char *name, const char *value)
{
	(void)snprintf(s->env[s->nenv++], ENV_LEN, "%s=%s", name, value);
}

static void close_both(const int fds[2])
{
	int e = errno;

	(void)close(fds[0]);
	(void)close(fds[1]);
	errno = e;
}

/* With its standard error in our log. */
static int start_logged(struct child *c, struct start *s)
{
	int log[2];

	if (pipe2(log, O_CLOEXEC) == -1)
		return -1;
	s->fds[2] = log[1];
	c->pid = fd_nonblock(log[0]) == 0 ? fork() : -1;
	if (c->pid == 0)
		run(s);
	if (c->pid == -1) {
		close_both(log);
		return -1;
	}
	(void)close(log[1]);
	said_init(&c->said, log[0], c->name, c->pid);
	c->next = children;
	children = c;
	return 0;
}

static struct child *make(const char *name)
{
	struct child *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->report = -1;
	(void)snprintf(c->name, sizeof c->name, "%s", name);
	return c;
}

static void common_env(struct start *s, const struct auth_want *w)
{
	set_env(s, "PATH", "/usr/local/bin:/usr/bin:/bin");
	set_env(s, "PROTO", "TCP");
	set_env(s, "SERVICE", w->service);
	set_env(s, "TCPREMOTEIP", w->client);
}

/* What a judge reads from its descriptor 3: a pipe holds it all. */
static int password_pipe(const struct auth_want *w)
{
	char text[LIMIT_AUTHFRAME];
	int fds[2] = {-1, -1};
	size_t n = checkpass_put_time(text, w);
	ssize_t r = -1;

	if (pipe2(fds, O_CLOEXEC) == 0) {
		r = write(fds[1], text, n);
		(void)close(fds[1]);
	}
	explicit_bzero(text, sizeof text);
	if (r == (ssize_t)n)
		return fds[0];
	if (fds[0] != -1)
		(void)close(fds[0]);
	return -1;
}

static int start_judge(struct child *c, struct start *s, const struct auth_want *w)
{
	int report[2];
	int password;
	int r;

	if (usock_pair(report) == -1)
		return -1;
	password = password_pipe(w);
	s->fds[0] = s->fds[1] = null_fd;
	s->fds[JUDGE_PASSWORD_FD] = password;
	s->fds[JUDGE_FD] = report[1];
	r = password == -1 ? -1 : start_logged(c, s);
	if (password != -1)
		(void)close(password);
	if (r == -1) {
		close_both(report);
		return -1;
	}
	(void)close(report[1]);
	c->is_judge = 1;
	c->report = report[0];
	return 0;
}

struct child *child_judge(const struct words *words, const struct auth_want *w,
			  const struct owner *o)
{
	struct start s = {.words = words, .owner = o, .failed = -1};
	struct child *c = make(w->user);

	common_env(&s, w);
	if (c != NULL && start_judge(c, &s, w) == -1) {
		free(c);
		c = NULL;
	}
	return c;
}

struct child *child_stem(const struct words *words, const struct owner *o, int *channel)
{
	struct start s = {.words = words, .owner = o, .failed = -1};
	struct child *c = make(words->argv[0]);
	int pair[2];

	if (c == NULL || usock_pair(pair) == -1) {
		free(c);
		return NULL;
	}
	set_env(&s, "PATH", "/usr/local/bin:/usr/bin:/bin");
	s.fds[0] = s.fds[1] = null_fd;
	s.fds[TEMPLATE_FD] = pair[1];
	s.fds[TEMPLATE_FD + 1] = -1;
	c->is_stem = 1;
	c->until = CLOCK_NEVER;
	if (start_logged(c, &s) == -1) {
		close_both(pair);
		free(c);
		return NULL;
	}
	(void)close(pair[1]);
	*channel = pair[0];
	return c;
}

/* The stem says which process it has forked, and root may kill any: so it must be a child
 * of ours, and none that we know. */
static int is_new_child(pid_t pid)
{
	siginfo_t info;

	for (const struct child *c = children; c != NULL; c = c->next)
		if (c->pid == pid)
			return 0;
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* Its lines come by the stem's pipe. */
struct child *child_forked(pid_t pid, int report)
{
	struct child *c = is_new_child(pid) ? make("") : NULL;

	if (c == NULL)
		return NULL; /* who waits at the report's other end hears that it ends */
	c->pid = pid;
	c->report = report;
	c->is_judge = c->is_forked = c->is_spare = 1;
	c->until = CLOCK_NEVER;
	said_init(&c->said, -1, c->name, pid);
	c->next = children;
	children = c;
	return c;
}

void child_use(struct child *c, const char *name)
{
	(void)snprintf(c->name, sizeof c->name, "%s", name);
	c->is_spare = 0;
}

struct child *child_serve(const struct words *words, const struct auth_want *w,
			  const char *account, const struct owner *o, const char *home,
			  int *started)
{
	struct start s = {.words = words, .owner = o, .home = home};
	struct child *c = make(account);
	int told[2];

	if (c == NULL || pipe2(told, O_CLOEXEC | O_NONBLOCK) == -1) {
		free(c);
		return NULL;
	}
	common_env(&s, w);
	set_env(&s, "USER", account);
	set_env(&s, "HOME", home);
	set_env(&s, "SHELL", "/bin/sh");
	s.fds[0] = s.fds[1] = w->session;
	s.fds[3] = s.fds[4] = -1;
	s.failed = told[1];
	if (start_logged(c, &s) == -1) {
		close_both(told);
		free(c);
		return NULL;
	}
	(void)close(told[1]);
	*started = told[0];
	return c;
}

int child_hand_over(struct child *c, int session)
{
	if (usock_send(c->report, JUDGE_SESSION, strlen(JUDGE_SESSION), session) == -1)
		return -1;
	c->is_judge = 0;
	child_close(c);
	return 0;
}

void child_close(struct child *c)
{
	if (c->report != -1)
		(void)close(c->report);
	c->report = -1;
}

void child_kill(struct child *c)
{
	if (kill(-c->pid, SIGKILL) == -1)
		(void)kill(c->pid, SIGKILL);
	child_close(c);
}

static struct child *take_off(pid_t pid)
{
	for (struct child **at = &children; *at != NULL; at = &(*at)->next) {
		struct child *c = *at;

		if (c->pid != pid)
			continue;
		*at = c->next;
		return c;
	}
	return NULL;
}

/* One that we do not know, a judge whose stem was given up, hides none behind it. */
struct child *child_reap(int *status)
{
	struct child *c = NULL;
	pid_t pid;

	while (c == NULL && (pid = waitpid(-1, status, WNOHANG)) > 0)
		c = take_off(pid);
	return c;
}

void child_free(struct child *c)
{
	child_close(c);
	said_end(&c->said);
	free(c);
}
