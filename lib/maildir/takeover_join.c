#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/takeover_int.h"

static int by_uid(const void *a, const void *b)
{
	uint32_t x = ((const struct box_taken *)a)->uid;
	uint32_t y = ((const struct box_taken *)b)->uid;

	return (x > y) - (x < y);
}

/* Of one base name the higher uid first. */
static int by_base(const void *a, const void *b)
{
	int r = strcmp(((const struct box_taken *)a)->base,
		       ((const struct box_taken *)b)->base);

	return r != 0 ? r : by_uid(b, a);
}

static void sort(struct taken *t, int (*order)(const void *, const void *))
{
	if (taken_count(t) > 0)
		qsort(t->messages.p, taken_count(t), sizeof(struct box_taken), order);
}

void taken_by_base(struct taken *t)
{
	sort(t, by_base);
}

static int compare_base(const void *key, const void *m)
{
	return strcmp(key, ((const struct box_taken *)m)->base);
}

struct box_taken *taken_find(struct taken *t, const char *base)
{
	return taken_count(t) == 0 ? NULL
				   : bsearch(base, t->messages.p, taken_count(t),
					     sizeof(struct box_taken), compare_base);
}

static int same_base(const struct box_taken *a, const struct box_taken *b)
{
	return strcmp(a->base, b->base) == 0;
}

static int same_uid(const struct box_taken *a, const struct box_taken *b)
{
	return a->uid == b->uid;
}

/* Of neighbours that are the same the first one stays. */
static void drop(struct taken *t,
		 int (*same)(const struct box_taken *, const struct box_taken *))
{
	size_t n = taken_count(t);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !same(taken_at(t, kept - 1), taken_at(t, i)))
			*taken_at(t, kept++) = *taken_at(t, i);
	t->messages.len = kept * sizeof(struct box_taken);
}

void taken_sort(struct taken *t)
{
	size_t n;

	sort(t, by_base);
	drop(t, same_base);
	sort(t, by_uid);
	drop(t, same_uid);
	n = taken_count(t);
	if (n > 0 && taken_at(t, n - 1)->uid >= t->uidnext)
		t->uidnext = taken_at(t, n - 1)->uid + 1;
}

int taken_join(struct taken *t, struct taken *pop3)
{
	size_t n = taken_count(t);
	size_t at = 0;

	sort(t, by_base);
	sort(pop3, by_base);
	drop(pop3, same_base);
	for (size_t i = 0; i < taken_count(pop3); i++) {
		struct box_taken *m = taken_at(pop3, i);

		while (at < n && strcmp(taken_at(t, at)->base, m->base) < 0)
			at++;
		if (at < n && same_base(taken_at(t, at), m)) {
			taken_at(t, at)->uidl = m->uidl;
			continue;
		}
		if (t->uidnext == UINT32_MAX)
			break;
		m->uid = t->uidnext++;
		if (sbuf_cat(&t->messages, m, sizeof *m) == -1)
			return -1;
	}
	sort(t, by_uid);
	return 0;
}

int taken_default_uidls(struct taken *t)
{
	enum { LEN = 17 };

	if (sbuf_reserve(&t->made, taken_count(t) * LEN) == -1)
		return -1;
	for (size_t i = 0; i < taken_count(t); i++) {
		struct box_taken *m = taken_at(t, i);
		char *at = t->made.p + t->made.len;

		if (m->uidl != NULL)
			continue;
		(void)snprintf(at, LEN, "%08x%08x", m->uid, t->uidvalidity);
		t->made.len += LEN;
		m->uidl = at;
	}
	return 0;
}
