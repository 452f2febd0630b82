#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jailbits.h"
#include "paths.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* linux/landlock.h of Debian 12 ends at ABI 2; the numbers are the same everywhere. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif
enum { RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

static int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, RULESET_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

static uint64_t governed(int abi)
{
	return abi >= 5 ? JAIL_FS_ABI5 : abi >= 3 ? JAIL_FS_ABI3 : JAIL_FS_ABI2;
}

/* A base of paths.h, or "" for "/". */
static const char *base_dir(const char *base)
{
	const struct {
		const char *name;
		const char *dir;
	} bases[] = {{"control", paths.control}, {"queue", paths.queue},
		     {"run", paths.run},         {"users", paths.users},
		     {"alias", paths.alias},     {"bin", paths.bin},
		     {"sts", paths.sts}};

	for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
		if (strcmp(base, bases[i].name) == 0)
			return bases[i].dir;
	return "";
}

static int add_path(int ruleset, const struct jail_path *p, uint64_t rights)
{
	char path[2 * LIMIT_PATH];
	struct beneath b = {p->access & rights, -1};
	struct stat st;
	int r;

	if (path_join(path, sizeof path, base_dir(p->base), p->rest) == NULL)
		return -1;
	b.parent = open(path, O_PATH | O_CLOEXEC);
	if (b.parent == -1) /* what is not there needs no right */
		return errno == ENOENT ? 0 : -1;
	if (fstat(b.parent, &st) == 0 && !S_ISDIR(st.st_mode))
		b.allowed &= JAIL_FS_FILE;
	r = (int)syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &b, 0);
	(void)close(b.parent);
	return r;
}

static int enter_landlock(const struct jail_profile *p)
{
	int abi = p->landlock ? landlock_abi() : 0;
	struct ruleset attr = {governed(abi), 0,
			       abi >= 6 && !p->may_exec ? JAIL_SCOPES : 0};
	size_t size = abi >= 6   ? sizeof attr
		      : abi >= 4 ? 2 * sizeof attr.fs
				 : sizeof attr.fs;
	int fd;
	int r = 0;

	if (abi < 2)
		return 0;
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (fd == -1)
		return -1;
	for (size_t i = 0; i < p->npaths && r == 0; i++)
		r = add_path(fd, &p->paths[i], attr.fs);
	if (r == 0)
		r = (int)syscall(SYS_landlock_restrict_self, fd, 0);
	(void)close(fd);
	return r;
}

static rlim_t lower_of(rlim_t a, rlim_t b)
{
	return a < b ? a : b;
}

/* Never raised: what was lower before, soft or hard, is put back. Mostly one call. */
static int lower_limit(int resource, rlim_t value)
{
	struct rlimit new = {value, value};
	struct rlimit was;

	if (prlimit(0, resource, &new, &was) == -1 &&
	    (errno != EPERM || getrlimit(resource, &was) == -1))
		return -1;
	if (was.rlim_cur >= value && was.rlim_max >= value)
		return 0;
	new.rlim_max = lower_of(was.rlim_max, value);
	new.rlim_cur = lower_of(was.rlim_cur, new.rlim_max);
	return setrlimit(resource, &new);
}

static int enter_limits(const struct jail_profile *p)
{
	for (size_t i = 0; i < p->nlimits; i++) {
		const struct jail_limit *l = &p->limits[i];

		if (SANITIZED && l->resource == RLIMIT_AS)
			continue;
		if (lower_limit(l->resource, l->value) == -1)
			return -1;
	}
	return 0;
}

static int has_seccomp(void)
{
	return prctl(PR_GET_SECCOMP) != -1;
}

static int add_filter(struct sock_filter *filter, size_t n)
{
	struct sock_fprog prog = {(unsigned short)n, filter};

	if (SANITIZED || n == 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0)
		return 0;
	return has_seccomp() ? -1 : 0;
}

static int enter_seccomp(const struct jail_profile *p)
{
	_Static_assert(sizeof(struct jail_insn) == sizeof(struct sock_filter),
		       "jail_insn is the kernel's sock_filter");
	return add_filter((struct sock_filter *)p->filter, p->nfilter);
}

int jail_enter(const struct jail_profile *p)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	if (!p->may_exec && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return -1;
	if (enter_limits(p) == -1 || enter_landlock(p) == -1)
		return -1;
	return enter_seccomp(p);
}

/* The profile has looked at the architecture. */
int jail_narrow(const int *calls, size_t n)
{
	struct sock_filter f[JAIL_NARROW + 3];
	size_t at = 0;

	if (n > JAIL_NARROW) {
		errno = EINVAL;
		return -1;
	}
	f[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < n; i++) /* to the last of the two behind */
		f[at++] = (struct sock_filter)BPF_JUMP(
		    BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], (uint8_t)(n - i), 0);
	f[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	f[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	return add_filter(f, at);
}

int jail_lacks(void)
{
	return (landlock_abi() < 2 ? JAIL_NO_LANDLOCK : 0) |
	       (has_seccomp() ? 0 : JAIL_NO_SECCOMP);
}
