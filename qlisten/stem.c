#include "stem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"
#include "prog.h"
#include "serve.h"
#include "template.h"
#include "ucspi.h"
#include "usock.h"

static struct {
	pid_t pid;
	int fd;
	unsigned sessions;
} stem = {0, -1, 0};

void stem_drop(void)
{
	if (stem.fd != -1)
		(void)close(stem.fd);
	stem.fd = -1;
	stem.pid = 0;
	stem.sessions = 0;
}

int stem_was(pid_t pid, int status)
{
	if (pid != stem.pid)
		return 0;
	if (WIFSIGNALED(status))
		warn_msg("the template was ended by signal %d", WTERMSIG(status));
	stem_drop();
	return 1;
}

/* ---- to start it ---- */

static int give_channel(int fd)
{
	return fd == TEMPLATE_FD ? fcntl(fd, F_SETFD, 0) : dup2(fd, TEMPLATE_FD);
}

static _Noreturn void become(const struct options *o, int fd, char **env,
			     const sigset_t *mask)
{
	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	if (give_channel(fd) == -1)
		_exit(EXIT_TEMP);
	execvpe(o->program[0], o->program, env);
	warn_sys2("run", o->program[0]);
	_exit(EXIT_TEMP);
}

static int start(const struct options *o, const sigset_t *mask)
{
	static struct ucspi none;
	int pair[2];

	if (usock_pair(pair) == -1)
		return -1;
	ucspi_init(&none, environ);
	/* See child_start(). */
	/* NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork)
	 */
	stem.pid = vfork();
	if (stem.pid == 0)
		become(o, pair[1], none.vars, mask);
	/* NOLINTEND(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork)
	 */
	stem.fd = pair[0];
	(void)close(pair[1]);
	if (stem.pid != -1)
		return 0;
	stem_drop();
	return -1;
}

/* ---- to ask it ---- */

/* It hangs. What it has forked may still be on its way to the answer. */
static enum template_said end_by_force(pid_t *pid)
{
	warn_msg("the template does not answer");
	(void)kill(stem.pid, SIGKILL);
	(void)waitpid(stem.pid, NULL, 0);
	stem.pid = 0;
	if (fd_wait(stem.fd, POLLIN, clock_mono_ms() + TEMPLATE_ANSWER_MS) == -1)
		return TEMPLATE_FAILED;
	return template_heard(stem.fd, pid);
}

static enum template_said ask(int fd, const struct ucspi *env, pid_t *pid)
{
	enum template_said said = template_ask(stem.fd, fd, env->text, env->used, pid);

	return said == TEMPLATE_LOST && errno == ETIMEDOUT ? end_by_force(pid) : said;
}

static enum template_said try(const struct options *o, int fd, const struct ucspi *env,
			      const sigset_t *mask, pid_t *pid)
{
	enum template_said said;

	if (stem.fd == -1 && start(o, mask) == -1)
		return TEMPLATE_FAILED;
	said = ask(fd, env, pid);
	if (said == TEMPLATE_LOST)
		warn_sys("ask the template for a session");
	if ((said != TEMPLATE_RUNS && said != TEMPLATE_FAILED) || stem.pid == 0 ||
	    ++stem.sessions >= STEM_SESSIONS)
		stem_drop();
	return said;
}

pid_t stem_session(const struct options *o, int fd, const struct ucspi *env,
		   const sigset_t *mask)
{
	pid_t pid = -1;

	for (int i = 0; i < STEM_TRIES; i++)
		switch (try(o, fd, env, mask, &pid)) {
		case TEMPLATE_RUNS:
			return pid;
		case TEMPLATE_DONE:
			return 0;
		case TEMPLATE_FAILED:
			return -1;
		case TEMPLATE_ANEW:
		case TEMPLATE_LOST:
			break;
		}
	errno = EAGAIN;
	return -1;
}
