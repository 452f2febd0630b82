/* jail: closes the door behind a program, before it reads the first foreign byte.
 *
 * The profile is a text table, FOLDER/PROGRAM.jail, one line a permission and a
 * reason for each; package/mkjail.c turns it into an array when Quoin is built
 * (struct jail_profile jail_PROGRAM), so that nothing is computed at start:
 *
 *	limit nofile 16		# descriptors; also fsize, nproc, core, as (bytes, K, M)
 *	path control read	# below paths.control; also write, make, remove, exec
 *	path /etc/resolv.conf read
 *	call read		# a system call, by libseccomp's name; what is not
 *	call socket AF_UNIX	# listed kills. An argument rule where it matters
 *	exec yes		# without this line: no execve, and non-dumpable
 *
 * path: control, queue, run, users, alias, bin, sts are those of paths.h, with /NAME
 * behind it if wanted; `path none` means: no file may be opened at all.
 *
 * kill and tgkill reach everybody of the same uid, and not even abort() is worth them: a
 * call that is not listed ends the program as well.
 *
 * What the kernel lacks is left out (`qctl check` says so); what it has and refuses
 * is an error. Calls unknown to libseccomp at build time get ENOSYS. Sanitizer
 * builds leave out seccomp and limit as. Landlock needs ABI 2.
 * Errors: -1 with errno; the process must then end.
 */
#ifndef QUOIN_JAIL_H
#define QUOIN_JAIL_H

#include <stddef.h>
#include <stdint.h>

struct jail_limit {
	int resource;
	uint64_t value;
};

struct jail_path {
	const char *base; /* "control", "queue", … of paths.h, or "/" */
	const char *rest; /* below base, "" for base itself */
	uint64_t access;  /* LANDLOCK_ACCESS_FS_… */
};

struct jail_insn { /* struct sock_filter, without its header */
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};

struct jail_profile {
	const char *name;
	const struct jail_limit *limits;
	size_t nlimits;
	const struct jail_path *paths;
	size_t npaths;
	int landlock; /* 0: the profile says nothing of paths, no Landlock */
	int may_exec;
	const struct jail_insn *filter;
	size_t nfilter;
};

/* Lock in: no new privileges, not dumpable (unless it may exec), limits, Landlock,
 * seccomp. */
__attribute__((warn_unused_result)) int jail_enter(const struct jail_profile *p);

/* Behind an entered profile: these calls (SYS_x) end the program from now on, too. It
 * costs a tenth of a profile. At most JAIL_NARROW. */
enum { JAIL_NARROW = 8 };
__attribute__((warn_unused_result)) int jail_narrow(const int *calls, size_t n);

/* What this kernel lacks, for qctl check: bits. */
enum { JAIL_NO_LANDLOCK = 1, JAIL_NO_SECCOMP = 2 };
int jail_lacks(void);

#endif
