/* Any bytes as a cache's file, as they are or behind a good head and with checks that
 * fit; what is put in there afterwards is found. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/fakebox.h"
#include "place.h"
#include "maildir/cache_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGES = 4, GENERATION = 7 };

/* The checks of the records that follow each other from here. */
static void fit(char *p, size_t n)
{
	struct cache_record r;

	while (n >= sizeof r) {
		memcpy(&r, p, sizeof r);
		r.magic = 0x52634351;
		r.n %= 4096;
		if (r.n <= n - sizeof r)
			r.sum = cache_sum(GENERATION, p + sizeof r, r.n);
		r.check = cache_sum(GENERATION, &r, offsetof(struct cache_record, check));
		memcpy(p, &r, sizeof r);
		if (cache_length(r.n) > n)
			return;
		p += cache_length(r.n);
		n -= cache_length(r.n);
	}
}

static void make_file(const uint8_t *data, size_t size)
{
	int fd = openat(fuzz_dir, CACHE_NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int raw = size == 0 || data[0] % 2 == 0;
	char *copy = malloc(size + sizeof(struct cache_head));
	struct cache_head h;
	size_t n = size;

	check(fd != -1 && copy != NULL);
	cache_head_make(&h, GENERATION, size);
	memcpy(copy, &h, sizeof h);
	if (size > 0)
		memcpy(copy + (raw ? 0 : sizeof h), data, size);
	if (!raw) {
		fit(copy + sizeof h, size);
		n += sizeof h;
	}
	check(write(fd, copy, n) == (ssize_t)n && close(fd) == 0);
	free(copy);
}

static size_t read_all(struct cache *c, struct box *b)
{
	size_t hits = 0, n;
	const char *p;

	for (size_t i = 0; i < b->count; i++)
		if (cache_get(c, i, &p, &n)) {
			uint64_t at;
			size_t length;

			cache_unplace(b->list->m[i].cache, &at, &length);
			check(n <= CACHE_RECORD && cache_length(n) == length);
			for (size_t k = 0; k < n; k++)
				hits += p[k] == 'x';
		}
	return hits;
}

/* An index that is damaged, or as old as another file, names places that are a little beside. */
static void shift(struct box *b, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < b->count && i < size; i++) {
		uint64_t at;
		size_t length;

		if (b->list->m[i].cache == 0)
			continue;
		cache_unplace(b->list->m[i].cache, &at, &length);
		at += 8 * (uint64_t)(data[i] % 4) - 8;
		length += 8 * (size_t)(data[i] / 4 % 4) - 8;
		b->list->m[i].cache = cache_place(at, length);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct box *b;
	struct cache *c;
	const char *p = NULL;
	size_t n = 0;

	fuzz_place();
	make_file(data, size);
	b = fakebox_new(fuzz_dir, MESSAGES);
	for (uint32_t i = 0; i < MESSAGES; i++) {
		b->list->m[i].uid = i + 1;
		b->list->m[i].hash = i;
		if (size >= 8 * (i + 1))
			memcpy(&b->list->m[i].cache, data + 8 * i, 8);
	}
	b->cache_seen = sizeof(struct cache_head);
	b->generation = size % 3 == 0 ? GENERATION : 0;
	c = cache_open(b);
	(void)read_all(c, b);
	cache_put(c, 1, "xyz", 3); /* may fall with what is cut off before it */
	cache_flush(c);
	cache_put(c, 1, "xyz", 3);
	check(cache_get(c, 1, &p, &n) && n == 3 && memcmp(p, "xyz", 3) == 0);
	cache_close(c);
	fakebox_forget(b);
	c = cache_open(b);
	(void)read_all(c, b);
	shift(b, data, size);
	(void)read_all(c, b);
	cache_close(c);
	fakebox_free(b);
	return 0;
}
