/* Allocations that fail on demand (alloc.h): linked with --wrap in front of libc's, into
 * the programs of $(B)/faulty alone. */
#include "alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t k, size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t k, size_t n);
void *__wrap_realloc(void *p, size_t n);

static int refused(void)
{
	int e = errno;

	/* syscall() turns a small negative result into -1 */
	if (syscall(SYS_brk, ALLOC_ASKS) == -1)
		return 1;
	errno = e;
	return 0;
}

void *__wrap_malloc(size_t n)
{
	return refused() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t k, size_t n)
{
	return refused() ? NULL : __real_calloc(k, n);
}

void *__wrap_realloc(void *p, size_t n)
{
	return refused() ? NULL : __real_realloc(p, n);
}
