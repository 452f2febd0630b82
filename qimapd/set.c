#include "set.h"

#include <errno.h>
#include <stdlib.h>

#include "io.h"
#include "out.h"
#include "sbuf.h"
#include "session.h"
#include "take.h"

enum { RANGE_TEXT = 22 }; /* "4294967295:4294967295," */

static int set_grow(struct set *s)
{
	size_t cap = s->cap > 0 ? 2 * s->cap : 16;
	struct range *r;

	r = realloc(s->r, cap * sizeof *r);
	if (r == NULL) {
		take_note_no_memory();
		return -1;
	}
	s->r = r;
	s->cap = cap;
	return 0;
}

int set_add(struct set *s, uint32_t lo, uint32_t hi)
{
	struct range *last = s->n > 0 ? &s->r[s->n - 1] : NULL;

	if (lo > hi) {
		uint32_t t = lo;

		lo = hi;
		hi = t;
	}
	if (last != NULL && lo >= last->lo &&
	    (last->hi == UINT32_MAX || lo <= last->hi + 1)) {
		if (hi > last->hi)
			last->hi = hi;
		return 0;
	}
	if (s->n == SET_RANGES) {
		errno = EMSGSIZE;
		return -1;
	}
	if (s->n == s->cap && set_grow(s) == -1)
		return -1;
	s->r[s->n++] = (struct range){lo, hi};
	return 0;
}

static int by_lo(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

void set_sort(struct set *s)
{
	size_t n = 0;
	size_t i = 1;

	while (i < s->n && s->r[i - 1].lo <= s->r[i].lo)
		i++;
	if (i < s->n)
		qsort(s->r, s->n, sizeof *s->r, by_lo);
	for (i = 1; i < s->n; i++) {
		struct range *last = &s->r[n];

		if (last->hi == UINT32_MAX || s->r[i].lo <= last->hi + 1) {
			if (s->r[i].hi > last->hi)
				last->hi = s->r[i].hi;
		} else {
			s->r[++n] = s->r[i];
		}
	}
	if (s->n > 0)
		s->n = n + 1;
}

/* seq-number: nz-number or "*". */
static int take_number(struct words *w, uint32_t last, uint32_t *n)
{
	if (take_char(w, '*') == 0) {
		*n = last > 0 ? last : UINT32_MAX; /* of nothing: nobody has it */
		return 0;
	}
	return take_nz32(w, n);
}

static int take_range(struct set *s, struct words *w, uint32_t last)
{
	uint32_t lo, hi;

	if (take_number(w, last, &lo) == -1)
		return -1;
	hi = lo;
	if (take_char(w, ':') == 0 && take_number(w, last, &hi) == -1)
		return -1;
	return set_add(s, lo, hi);
}

static int set_copy(struct set *s, const struct set *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (set_add(s, from->r[i].lo, from->r[i].hi) == -1)
			return -1;
	return 0;
}

int set_read(struct set *s, struct words *w, uint32_t last)
{
	size_t start = w->at;

	set_clear(s);
	if (take_char(w, '$') == 0) { /* RFC 9051 6.4.4.1 */
		s->is_saved = 1;
		return set_copy(s, &session.saved);
	}
	do {
		if (take_range(s, w, last) == -1) {
			w->at = start;
			return -1;
		}
	} while (take_char(w, ',') == 0);
	set_sort(s);
	return 0;
}

int set_has(const struct set *s, uint32_t n)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->r[mid].hi < n)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->n && s->r[lo].lo <= n;
}

void set_clear(struct set *s)
{
	s->n = 0;
	s->is_saved = 0;
}

void set_free(struct set *s)
{
	free(s->r);
	*s = (struct set){0};
}

static size_t range_text(char *p, const struct range *r)
{
	size_t n = out_u32(p, r->lo);

	if (r->hi != r->lo) {
		p[n++] = ':';
		n += out_u32(p + n, r->hi);
	}
	p[n++] = ',';
	return n;
}

void set_put(const struct set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		size_t n = range_text(io_room(RANGE_TEXT), &s->r[i]);

		io_wrote(i + 1 < s->n ? n : n - 1);
	}
}

int set_cat(struct sbuf *b, const struct set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		char text[RANGE_TEXT];
		size_t n = range_text(text, &s->r[i]);

		if (sbuf_cat(b, text, i + 1 < s->n ? n : n - 1) == -1)
			return -1;
	}
	return 0;
}
