#include "heap.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

/* CACHED: what malloc() keeps by itself when it is freed (glibc's per-thread cache). */
enum { STEP = 16, FILL_MAX = 4 << 20, CACHED = 1040 };

/* Chunks of n bytes, as long as they are found below mark: what was taken. The first one
 * behind it goes back to the free end of the heap; a small one would not, but be a
 * session's first, and one page more to copy. */
static size_t fill(const char *mark, size_t n)
{
	size_t taken = 0;
	char *p;

	while ((p = malloc(n)) != NULL && p < mark && taken < FILL_MAX)
		taken += n;
	if (n > CACHED)
		free(p);
	return taken;
}

void heap_close(void)
{
	char *mark = malloc(HEAP_AT_ONCE); /* at the end: no hole is that large */
	size_t left = FILL_MAX;

	(void)malloc_trim(0);
	(void)mallopt(M_TOP_PAD, 2 * HEAP_AT_ONCE);
	for (size_t n = HEAP_HOLE; mark != NULL && n >= STEP && left > 0; n -= STEP) {
		size_t taken = fill(mark, n);

		left -= taken < left ? taken : left;
	}
	free(mark);
	(void)malloc_trim(0);
}

void heap_begin(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = malloc(HEAP_AT_ONCE);

	if (p == NULL)
		return;
	(void)madvise((char *)(((uintptr_t)p + page - 1) & ~(page - 1)),
		      HEAP_AT_ONCE - page, MADV_POPULATE_WRITE);
	free(p);
}
