/* jail_test: enters each sandbox profile and tries what must fail.
 *
 * usage: jail_test EXPECT. EXPECT has a row for each profile: its name and the deeds
 * that it may do; every other deed of the table below must be refused or kill.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail.h"
#include "paths.h"

enum { ROWS_MAX = 64, WORDS_MAX = 32, PATHS_MAX = 16 };

extern const struct jail_profile *const jail_all[]; /* made by the Makefile */

static char base[LIMIT_PATH];
static pid_t parent; /* asked for before the sandbox: that call may be refused too */

/* ---- deeds: 0 if it could be done ---- */

static int open_base(const char *below, int flags)
{
	char path[2 * LIMIT_PATH];

	if (path_join(path, sizeof path, base, below) == NULL)
		return -1;
	return openat(AT_FDCWD, path, flags | O_CLOEXEC, 0600) == -1 ? -1 : 0;
}

static int read_passwd(void)
{
	return openat(AT_FDCWD, "/etc/passwd", O_RDONLY) == -1 ? -1 : 0;
}
static int read_control(void)
{
	return open_base("control/me", O_RDONLY);
}
static int read_queue(void)
{
	return open_base("queue/cur/probe", O_RDONLY);
}
static int write_control(void)
{
	return open_base("control/me", O_WRONLY);
}
static int make_tmp(void)
{
	return open_base("queue/tmp/made", O_WRONLY | O_CREAT);
}
static int make_outside(void)
{
	return open_base("outside", O_WRONLY | O_CREAT);
}
/* The Maildir or home that a profile stands for, and one beside it. */
static int write_own(void)
{
	return open_base("own/mail", O_WRONLY | O_CREAT);
}
static int read_neighbour(void)
{
	return open_base("neighbour/mail", O_RDONLY);
}
/* Landlock does not govern it. */
static int touch_neighbour(void)
{
	char path[2 * LIMIT_PATH];

	if (path_join(path, sizeof path, base, "neighbour/mail") == NULL)
		return -1;
	return utimensat(AT_FDCWD, path, NULL, 0);
}
static int sock_unix(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) == -1 ? -1 : 0;
}
static int sock_inet(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) == -1 ? -1 : 0;
}
static int sock_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0) == -1 ? -1 : 0;
}
static int sock_packet(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) == -1 ? -1 : 0;
}
/* A datagram to a door of somebody else; a pair is enough for it. */
static int send_named(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int pair[2];

	if (path_join(to.sun_path, sizeof to.sun_path, base, "run/door") == NULL ||
	    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == -1)
		return -1;
	return sendto(pair[0], "x", 1, 0, (struct sockaddr *)&to, sizeof to) == 1 ? 0
										  : -1;
}
/* With no time left it is killed. */
static int limit_parent(void)
{
	struct rlimit r;

	return prlimit(parent, RLIMIT_CPU, NULL, &r);
}
static int become_root(void)
{
	return setuid(0);
}
/* Both ways are enough to end or stop whoever has the same uid. */
static int signal_parent(void)
{
	return kill(parent, 0);
}
static int signal_thread(void)
{
	return (int)syscall(SYS_tgkill, parent, parent, 0);
}
static int change_mode(void)
{
	return chmod(base, 0700);
}
static int mount_fs(void)
{
	/* Undone at once: it would hide the home from the profiles after this one. */
	if (mount("none", base, "tmpfs", 0, NULL) == -1)
		return -1;
	return umount2(base, MNT_DETACH);
}
static int trace(void)
{
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int do_exec(void)
{
	char *argv[] = {(char *)"true", NULL};
	char *envp[] = {NULL};

	(void)execve("/bin/true", argv, envp);
	return -1;
}

static int do_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid == -1 ? -1 : 0;
}

static int map_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static int raw(long nr)
{
	return syscall(nr, 0, 0, 0, 0, 0) == -1 && (errno == EPERM || errno == ENOSYS)
		   ? -1
		   : 0;
}

static int load_bpf(void)
{
	return raw(SYS_bpf);
}
static int use_keyring(void)
{
	return raw(SYS_keyctl);
}
static int make_ring(void)
{
	return raw(SYS_io_uring_setup);
}
static int make_namespace(void)
{
	return (int)syscall(SYS_unshare, 0x10000000);
}
static int read_process(void)
{
	return raw(SYS_process_vm_readv);
}

static const struct deed {
	const char *name;
	int (*try)(void);
} deeds[] = {
    {"read-passwd", read_passwd},
    {"read-control", read_control},
    {"read-queue", read_queue},
    {"write-control", write_control},
    {"make-tmp", make_tmp},
    {"make-outside", make_outside},
    {"write-own", write_own},
    {"read-neighbour", read_neighbour},
    {"touch-neighbour", touch_neighbour},
    {"sock-unix", sock_unix},
    {"sock-inet", sock_inet},
    {"sock-netlink", sock_netlink},
    {"sock-packet", sock_packet},
    {"send-named", send_named},
    {"limit-parent", limit_parent},
    {"become-root", become_root},
    {"signal-parent", signal_parent},
    {"signal-thread", signal_thread},
    {"change-mode", change_mode},
    {"mount", mount_fs},
    {"trace", trace},
    {"exec", do_exec},
    {"fork", do_fork},
    {"map-exec", map_exec},
    {"bpf", load_bpf},
    {"keyring", use_keyring},
    {"io-uring", make_ring},
    {"namespace", make_namespace},
    {"read-process", read_process},
};
enum { NDEEDS = sizeof deeds / sizeof *deeds };

/* ---- what is expected ---- */

struct row {
	char *name;
	char *deed[WORDS_MAX];
	int ndeeds;
};

static struct row rows[ROWS_MAX];
static int nrows;

static int is_deed(const char *name)
{
	for (size_t i = 0; i < NDEEDS; i++)
		if (strcmp(name, deeds[i].name) == 0)
			return 1;
	return 0;
}

static void take_row(char *line)
{
	char *rest = NULL;
	struct row *r = &rows[nrows];

	line[strcspn(line, "#\n")] = '\0';
	r->name = strtok_r(line, " \t", &rest);
	if (r->name == NULL)
		return;
	r->name = strdup(r->name);
	for (char *w = strtok_r(NULL, " \t", &rest); w != NULL;
	     w = strtok_r(NULL, " \t", &rest)) {
		if (!is_deed(w) || r->ndeeds == WORDS_MAX) {
			(void)fprintf(stderr, "jail_test: no such deed: %s\n", w);
			exit(1);
		}
		r->deed[r->ndeeds++] = strdup(w);
	}
	nrows++;
}

static const struct row *row_of(const char *name)
{
	for (int i = 0; i < nrows; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static int row_allows(const struct row *r, const char *deed)
{
	for (int i = 0; i < r->ndeeds; i++)
		if (strcmp(r->deed[i], deed) == 0)
			return 1;
	return 0;
}

/* ---- the trial ---- */

enum outcome { DONE, REFUSED, NO_JAIL };

/* As the program does it: what the table calls HOME or MAILDIR is one directory. */
static int enter(const struct jail_profile *p)
{
	static char own[LIMIT_PATH];
	struct jail_profile mine = *p;
	struct jail_path paths_mine[PATHS_MAX];

	if (p->npaths > PATHS_MAX || !path_join(own, sizeof own, base + 1, "own"))
		return -1;
	for (size_t i = 0; i < p->npaths; i++) {
		paths_mine[i] = p->paths[i];
		if (strcmp(p->paths[i].rest, "HOME") == 0 ||
		    strcmp(p->paths[i].rest, "MAILDIR") == 0)
			paths_mine[i].rest = own;
	}
	mine.paths = paths_mine;
	return jail_enter(&mine);
}

/* p NULL: without a sandbox. What a child mounts goes with it. */
static enum outcome attempt(const struct jail_profile *p, const struct deed *d)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (unshare(CLONE_NEWNS) == 0)
			(void)mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
		if (p != NULL && enter(p) == -1)
			_exit(3);
		_exit(d->try() == 0 ? 0 : 2);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		return NO_JAIL;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 3)
		return NO_JAIL;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? DONE : REFUSED;
}

/* Only Landlock of a new kernel (6.12) refuses it too: seccomp alone must. */
static int is_signal(const struct deed *d)
{
	return d->try == signal_parent || d->try == signal_thread;
}

static int check_profile(const struct jail_profile *p)
{
	const struct row *r = row_of(p->name);
	struct jail_profile older = *p;
	int failed = 0;

	older.landlock = 0;
	if (r == NULL) {
		printf("FAIL %s: no row in the table of expectations\n", p->name);
		return 1;
	}
	for (size_t i = 0; i < NDEEDS; i++) {
		enum outcome o = attempt(is_signal(&deeds[i]) ? &older : p, &deeds[i]);
		int wanted = row_allows(r, deeds[i].name);

		if (o == (wanted ? DONE : REFUSED))
			continue;
		/* A container or an ordinary uid may refuse it to everybody. */
		if (wanted && o == REFUSED && attempt(NULL, &deeds[i]) == REFUSED)
			continue;
		printf("FAIL %s: %s: %s\n", p->name, deeds[i].name,
		       o == NO_JAIL ? "the sandbox could not be entered"
		       : wanted     ? "refused, but the program needs it"
				    : "was possible");
		failed++;
	}
	return failed;
}

static void make_door(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (fd == -1 ||
	    path_join(at.sun_path, sizeof at.sun_path, base, "run/door") == NULL ||
	    bind(fd, (struct sockaddr *)&at, sizeof at) == -1)
		abort();
}

/* A home with the files that the deeds reach for. */
static void make_home(void)
{
	static const char *const dirs[] = {
	    "control",     "queue",     "queue/tmp", "queue/new", "queue/cur",
	    "queue/state", "queue/bad", "run",       "users",     "alias",
	    "bin",         "own",       "neighbour"};
	char path[2 * LIMIT_PATH];

	(void)snprintf(base, sizeof base, "/var/tmp/jail_test.XXXXXX");
	if (mkdtemp(base) == NULL || paths_under(base) == -1)
		abort();
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
		if (path_join(path, sizeof path, base, dirs[i]) == NULL ||
		    mkdir(path, 0755) == -1)
			abort();
	if (open_base("control/me", O_WRONLY | O_CREAT) == -1 ||
	    open_base("queue/cur/probe", O_WRONLY | O_CREAT) == -1 ||
	    open_base("neighbour/mail", O_WRONLY | O_CREAT) == -1)
		abort();
	make_door();
}

static void remove_home(void)
{
	static const char *const files[] = {"control/me",
					    "queue/cur/probe",
					    "queue/tmp/made",
					    "outside",
					    "run/door",
					    "queue/tmp",
					    "queue/new",
					    "queue/cur",
					    "queue/state",
					    "queue/bad",
					    "control",
					    "queue",
					    "run",
					    "users",
					    "alias",
					    "bin",
					    "own/mail",
					    "own",
					    "neighbour/mail",
					    "neighbour"};
	char path[2 * LIMIT_PATH];

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (path_join(path, sizeof path, base, files[i]) != NULL)
			(void)remove(path);
	(void)remove(base);
}

static int kernel_has_all(void)
{
	int lacks = jail_lacks();

#if defined(__SANITIZE_ADDRESS__)
	printf("skipped: a build with sanitizers has no seccomp\n");
	return 0;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	printf("skipped: a build with sanitizers has no seccomp\n");
	return 0;
#endif
#endif
	if (lacks & JAIL_NO_LANDLOCK)
		printf("skipped: this kernel has no Landlock\n");
	if (lacks & JAIL_NO_SECCOMP)
		printf("skipped: this kernel has no seccomp\n");
	return lacks == 0;
}

int main(int argc, char **argv)
{
	char line[1024];
	int profiles = 0;
	int failed = 0;
	FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;

	if (f == NULL) {
		(void)fprintf(stderr, "usage: jail_test EXPECT\n");
		return 1;
	}
	while (nrows < ROWS_MAX && fgets(line, sizeof line, f) != NULL)
		take_row(line);
	(void)fclose(f);
	parent = getpid();
	if (!kernel_has_all())
		return 0;
	make_home();
	for (const struct jail_profile *const *p = jail_all; *p != NULL; p++, profiles++)
		failed += check_profile(*p);
	remove_home();
	printf("jail: %d profiles, %d deeds each, %d failed\n", profiles, NDEEDS, failed);
	return failed > 0;
}
