#include "openssl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS = 16 };

extern char **environ;

/* Everything that comes, at most what fits: 0 or -1. */
static int collect(int fd, char out[LIMIT_OPENSSL])
{
	size_t have = 0;
	ssize_t n;

	while ((n = read(fd, out + have, LIMIT_OPENSSL - 1 - have)) > 0)
		have += (size_t)n;
	out[have] = '\0';
	if (n == 0 && have == LIMIT_OPENSSL - 1) {
		errno = EMSGSIZE;
		return -1;
	}
	return n == 0 ? 0 : -1;
}

static int start(const char *const argv[], int out, pid_t *pid)
{
	posix_spawn_file_actions_t fds;
	const char *words[WORDS + 2] = {"openssl"};
	int e;

	for (size_t i = 0; argv[i]; i++) {
		if (i == WORDS)
			return E2BIG;
		words[i + 1] = argv[i];
	}
	e = posix_spawn_file_actions_init(&fds);
	if (e != 0)
		return e;
	e = posix_spawn_file_actions_addopen(&fds, 0, "/dev/null", O_RDONLY, 0);
	if (e == 0)
		e = posix_spawn_file_actions_adddup2(&fds, out, 1);
	if (e == 0)
		e = posix_spawn_file_actions_addopen(&fds, 2, "/dev/null", O_WRONLY, 0);
	if (e == 0)
		e = posix_spawnp(pid, "openssl", &fds, NULL, (char *const *)words,
				 environ);
	(void)posix_spawn_file_actions_destroy(&fds);
	return e;
}

int openssl_run(const char *const argv[], char out[LIMIT_OPENSSL])
{
	int pipes[2], e, r, status;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) == -1)
		return -1;
	e = start(argv, pipes[1], &pid);
	(void)close(pipes[1]);
	if (e != 0) {
		(void)close(pipes[0]);
		errno = e;
		return -1;
	}
	r = collect(pipes[0], out);
	e = errno;
	(void)close(pipes[0]);
	if (waitpid(pid, &status, 0) == -1)
		return -1;
	errno = e;
	return r == -1 ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
