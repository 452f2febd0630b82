/* exact_arena: take.h's arena in fuzz targets. Each piece is a block of its own: what is read or
 * written beside it is seen. */
#ifndef TESTS_FUZZ_EXACT_ARENA_H
#define TESTS_FUZZ_EXACT_ARENA_H

#include <errno.h>
#include <stdlib.h>

#include "../../qimapd/take.h"

static void **arena_kept;
static size_t arena_n, arena_cap, arena_total;
static int arena_no_memory;

static void arena_grow(void)
{
	size_t cap = arena_cap * 2 + 16;
	void **more = realloc(arena_kept, cap * sizeof *more);

	if (more == NULL)
		abort();
	arena_kept = more;
	arena_cap = cap;
}

void *take_keep(size_t n)
{
	void *p;

	if (n > TAKE_ARENA - arena_total) {
		errno = ENOMEM;
		return NULL;
	}
	if (arena_n == arena_cap)
		arena_grow();
	p = malloc(n > 0 ? n : 1);
	if (p == NULL)
		abort();
	arena_total += n;
	arena_kept[arena_n++] = p;
	return p;
}

void take_note_no_memory(void)
{
	arena_no_memory = 1;
}

int take_has_no_memory(void)
{
	return arena_no_memory;
}

void take_forget(void)
{
	while (arena_n > 0)
		free(arena_kept[--arena_n]);
	arena_total = 0;
	arena_no_memory = 0;
}

#endif
