/* spoil: a traced child's system call, made to fail. */
#ifndef TESTS_SPOIL_H
#define TESTS_SPOIL_H

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "exact.h"

static inline int is_of_disk(long nr)
{
	static const long calls[] = {
	    SYS_openat,     SYS_renameat2, SYS_linkat,     SYS_unlinkat,  SYS_fsync,
	    SYS_fdatasync,  SYS_pwrite64,  SYS_write,      SYS_ftruncate, SYS_renameat,
	    SYS_newfstatat, SYS_fstat,     SYS_getdents64, SYS_pread64,   SYS_mkdirat,
	    SYS_preadv,     SYS_lseek};

	for (size_t i = 0; i < COUNT(calls); i++)
		if (calls[i] == nr)
			return 1;
	return 0;
}

#ifdef __x86_64__
/* The call does not happen; it gives e. */
static inline void spoil(pid_t pid, int e)
{
	struct user_regs_struct r;
	int status;

	assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &r), 0);
	r.orig_rax = (unsigned long long)-1;
	assert_int_equal(ptrace(PTRACE_SETREGS, pid, NULL, &r), 0);
	assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &r), 0);
	r.rax = (unsigned long long)-e;
	assert_int_equal(ptrace(PTRACE_SETREGS, pid, NULL, &r), 0);
}

static inline long number(pid_t pid)
{
	struct user_regs_struct r;

	assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &r), 0);
	return (long)r.orig_rax;
}
#endif

#endif
