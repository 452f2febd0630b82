#include "outside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"
#include "jail.h"
#include "prog.h"

extern const struct jail_profile jail_qlocal;

enum { PATHS_MAX = 8 };

int outside_jail(const char *dir)
{
	struct jail_profile mine = jail_qlocal;
	struct jail_path paths_mine[PATHS_MAX];

	if (mine.npaths > PATHS_MAX || *dir != '/') {
		errno = EINVAL;
		return -1;
	}
	for (size_t i = 0; i < mine.npaths; i++) {
		paths_mine[i] = mine.paths[i];
		if (strcmp(paths_mine[i].rest, "HOME") == 0)
			paths_mine[i].rest = dir + 1;
	}
	mine.paths = paths_mine;
	return jail_enter(&mine);
}

int outside_is(const char *path, const char *home)
{
	size_t n = strlen(home);

	while (n > 1 && home[n - 1] == '/')
		n--;
	if (*path != '/')
		return 0;
	return strncmp(path, home, n) != 0 || path[n] != '/' || strstr(path, "/../");
}

/* The directory that the step may use: the Maildir, or where the mbox lies. */
static void set_dir(char dir[LIMIT_PATH], enum step_kind kind, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = kind == STEP_MAILDIR ? strlen(path) : (size_t)(slash - path) + 1;

	memcpy(dir, path, n);
	dir[n] = '\0';
}

static _Noreturn void child(enum step_kind kind, const char *path,
			    const struct delivery *d, int lifeline, int out,
			    const struct settings *set)
{
	struct stepper s;
	struct answer a;
	char dir[LIMIT_PATH];

	set_dir(dir, kind, path);
	if (outside_jail(dir) == -1)
		die_sys2(EXIT_TEMP, "close the sandbox for", path);
	stepper_init(&s, AT_FDCWD, lifeline, set);
	if (kind == STEP_MAILDIR)
		step_maildir(&s, d, path, 0, &a);
	else
		step_mbox(&s, d, path, &a);
	_exit(fd_write_full(out, &a, sizeof a, CLOCK_NEVER) == -1 ? EXIT_TEMP : 0);
}

void outside_do(enum step_kind kind, const char *path, const struct delivery *d,
		int lifeline, const struct settings *set, struct answer *a)
{
	int out[2];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		answer_errno(a, "start a process for", path);
		return;
	}
	if (pid == 0)
		child(kind, path, d, lifeline, out[1], set);
	(void)close(out[1]);
	if (fd_read_full(out[0], a, sizeof *a, CLOCK_NEVER) == -1)
		answer_set(a, LATER, "%s: the process for it ended too early (#4.3.0)",
			   path);
	a->text[sizeof a->text - 1] = '\0';
	(void)close(out[0]);
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
}
