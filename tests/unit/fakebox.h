/* fakebox: as much of a box as the cache sees: a list of messages, no Maildir. */
#ifndef TESTS_FAKEBOX_H
#define TESTS_FAKEBOX_H

#include <errno.h>
#include <stdlib.h>

#include "maildir/box.h"

struct box_list {
	struct msg *m;
};

static inline struct box *fakebox_new(int dir, size_t n)
{
	struct box *b = calloc(1, sizeof *b);

	if (b == NULL || (b->list = calloc(1, sizeof *b->list)) == NULL ||
	    (b->list->m = calloc(n + 1, sizeof *b->list->m)) == NULL)
		abort();
	b->dir = dir;
	b->count = n;
	for (size_t i = 0; i < n; i++) {
		b->list->m[i].uid = (uint32_t)(10 + 3 * i);
		b->list->m[i].hash = (uint32_t)(i * 2654435761U);
	}
	return b;
}

static inline void fakebox_free(struct box *b)
{
	free(b->list->m);
	free(b->list);
	free(b);
}

/* The index is lost. */
static inline void fakebox_forget(struct box *b)
{
	b->generation = b->cache_seen = 0;
	for (size_t i = 0; i < b->count; i++)
		b->list->m[i].cache = 0;
}

/* A copy: what is written into it by hand is forgotten, as a box may do it. */
struct msg *box_at(struct box *b, size_t i)
{
	static struct msg shown;

	if (i >= b->count) {
		errno = EINVAL;
		return NULL;
	}
	shown = b->list->m[i];
	return &shown;
}

void box_learn_cache(struct box *b, size_t i, uint64_t offset)
{
	b->list->m[i].cache = offset;
}

size_t box_find(struct box *b, uint32_t uid)
{
	size_t lo = 0, hi = b->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (b->list->m[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

#endif
