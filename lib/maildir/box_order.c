/* In which order did files arrive? By the time in their names: no stat() a file. */
#include <stdlib.h>
#include <string.h>

#include "maildir/box_int.h"

#define MOST (UINT64_MAX / 1000000 - 1)

struct key {
	uint64_t when; /* in microseconds */
	uint32_t at;   /* of the seen */
};

static uint64_t number(const char **p)
{
	uint64_t v = 0;

	for (; **p >= '0' && **p <= '9'; ++*p)
		if (v < UINT64_MAX / 10 - 1)
			v = v * 10 + (uint64_t)(**p - '0');
	return v;
}

/* 1700000000.M12345P67.host: seconds and microseconds, of the base alone; else the name
 * decides. */
static struct key key_of(const char *name, uint32_t at)
{
	uint64_t seconds = number(&name);
	uint64_t micros = 0;

	if (name[0] == '.' && name[1] == 'M') {
		name += 2;
		micros = number(&name);
	}
	if (seconds > MOST)
		seconds = MOST;
	return (struct key){seconds * 1000000 + (micros < 1000000 ? micros : 999999), at};
}

/* Bases first, so that files of one base are neighbours: '-' lies between ',' and ':'. */
static int is_name_before(const struct box_look *l, const struct box_seen *a,
			  const struct box_seen *b)
{
	const char *x = l->names.p + a->name;
	const char *y = l->names.p + b->name;
	int r = memcmp(x, y, a->base < b->base ? a->base : b->base);

	if (r != 0 || a->base != b->base)
		return r != 0 ? r < 0 : a->base < b->base;
	return strcmp(x + a->base, y + b->base) <= 0;
}

static int is_before(const struct box_look *l, const struct key *a, const struct key *b)
{
	return a->when != b->when
		   ? a->when < b->when
		   : is_name_before(l, &l->unknown.p[a->at], &l->unknown.p[b->at]);
}

static void merge(const struct box_look *l, const struct key *from, struct key *to,
		  size_t lo, size_t mid, size_t hi)
{
	size_t a = lo;
	size_t b = mid;

	/* A branch here would be guessed wrong half of the time. */
	while (a < mid && b < hi) {
		size_t is_a = (size_t)is_before(l, &from[a], &from[b]);

		to[lo++] = from[b ^ ((a ^ b) & -is_a)];
		a += is_a;
		b += !is_a;
	}
	memcpy(to + lo, from + a, (mid - a) * sizeof *to);
	memcpy(to + lo + (mid - a), from + b, (hi - b) * sizeof *to);
}

static struct key *sort(const struct box_look *l, struct key *from, struct key *to,
			size_t n)
{
	for (size_t width = 1; width < n; width *= 2) {
		struct key *swap = from;

		for (size_t lo = 0; lo < n; lo += 2 * width) {
			size_t mid = lo + width < n ? lo + width : n;
			size_t hi = mid + width < n ? mid + width : n;

			merge(l, from, to, lo, mid, hi);
		}
		from = to;
		to = swap;
	}
	return from;
}

int boxorder(struct box_look *l)
{
	size_t n = l->unknown.n;
	struct key *keys;
	struct key *sorted;
	struct box_seen *p;

	if (n < 2)
		return 0;
	keys = reallocarray(NULL, n * 2, sizeof *keys);
	p = reallocarray(NULL, n, sizeof *p);
	if (keys == NULL || p == NULL) {
		free(keys);
		free(p);
		return -1;
	}
	for (size_t i = 0; i < n; i++)
		keys[i] = key_of(l->names.p + l->unknown.p[i].name, (uint32_t)i);
	sorted = sort(l, keys, keys + n, n);
	for (size_t i = 0; i < n; i++)
		p[i] = l->unknown.p[sorted[i].at];
	free(keys);
	free(l->unknown.p);
	l->unknown.p = p;
	l->unknown.room = n;
	return 0;
}
