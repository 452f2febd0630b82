/* takeover: what a qsmtpd that somebody has taken over could reach.
 *
 *	takeover -C DIR DEED ARGUMENT [DEED ARGUMENT ...]
 *
 * Run by qlisten in qsmtpd's place, so with its uid and descriptors. Each deed is tried
 * in a child, once in qsmtpd's sandbox and once without (another kernel may have none).
 * Prints "jail DEED ARGUMENT yes", or "bare … no", to descriptor 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail.h"
#include "num.h"
#include "paths.h"

extern const struct jail_profile jail_qsmtpd;

static int do_read(const char *path)
{
	return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) != -1;
}

static int do_list(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) != -1;
}

static int do_write(const char *path)
{
	return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC) != -1;
}

static int do_make(const char *dir)
{
	char path[LIMIT_PATH];

	return path_join(path, sizeof path, dir, "made") &&
	       open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) != -1;
}

static int do_connect(const char *path)
{
	static const int kinds[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof a.sun_path)
		return 0;
	memcpy(a.sun_path, path, strlen(path) + 1);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		int fd = socket(AF_UNIX, kinds[i] | SOCK_CLOEXEC, 0);

		if (fd != -1 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
			return 1;
	}
	return 0;
}

static int do_signal(const char *pid)
{
	uint64_t n;

	return num_parse(pid, INT32_MAX, &n) == 0 && kill((pid_t)n, 0) == 0;
}

static int do_memory(const char *pid)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%s/mem", pid);
	return do_read(path);
}

static int do_fds(const char *pid)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%s/fd", pid);
	return do_list(path);
}

static int do_run(const char *path)
{
	char *argv[] = {(char *)path, NULL};

	(void)execv(path, argv);
	return 0;
}

static int do_inet(const char *arg)
{
	(void)arg;
	return socket(AF_INET, SOCK_STREAM, 0) != -1;
}

static const struct deed {
	const char *name;
	int (*try)(const char *arg);
} deeds[] = {
    {"read", do_read},     {"list", do_list},       {"write", do_write},
    {"make", do_make},     {"connect", do_connect}, {"signal", do_signal},
    {"memory", do_memory}, {"fds", do_fds},         {"run", do_run},
    {"inet", do_inet},
};

static const struct deed *find(const char *name)
{
	for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++)
		if (strcmp(deeds[i].name, name) == 0)
			return &deeds[i];
	dprintf(1, "no such deed: %s\n", name);
	exit(100);
}

static void attempt(const char *where, const struct jail_profile *jail,
		    const struct deed *d, const char *arg)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (jail && jail_enter(jail) == -1)
			_exit(3);
		_exit(d->try(arg) ? 0 : 2);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		exit(111);
	dprintf(1, "%s %s %s %s\n", where, d->name, arg,
		!WIFEXITED(status)         ? "no"
		: WEXITSTATUS(status) == 0 ? "yes"
		: WEXITSTATUS(status) == 2 ? "no"
					   : "failed");
}

int main(int argc, char **argv)
{
	if (argc < 3 || strcmp(argv[1], "-C") != 0 || paths_under(argv[2]) == -1)
		return 100;
	for (int i = 3; i + 1 < argc; i += 2) {
		attempt("jail", &jail_qsmtpd, find(argv[i]), argv[i + 1]);
		attempt("bare", NULL, find(argv[i]), argv[i + 1]);
	}
	dprintf(1, "end\n");
	return 0;
}
