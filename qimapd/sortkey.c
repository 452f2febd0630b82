#include "sortkey.h"

#include <stdlib.h>
#include <string.h>

#include "alist822.h"
#include "mime/fold.h"
#include "mime/subject.h"
#include "sbuf.h"

/* first: the beginning of its key in the first column; mostly it decides. */
struct item {
	uint64_t first;
	uint32_t at;
};

struct columns {
	const struct sort_column *c;
	size_t n;
};

/* ---- making keys ---- */

/* addr-mailbox of ENVELOPE's first address (RFC 9051 7.5.2): a local part without its quotes, or
 * a group's name (its words without blanks between them). */
static int put_local(struct sbuf *texts, const char *p, size_t n)
{
	struct alist822 l;
	struct mailbox822 m;
	struct mailbox822 half = {0};
	struct sbuf bare = SBUF_INIT(SIZE_MAX / 2);
	int r;

	alist822_init(&l, p, n);
	switch (alist822_item(&l, &m)) {
	case ALIST822_MAILBOX:
		half.start = m.start;
		half.end = m.local_end;
		break;
	case ALIST822_GROUP:
		half.start = m.name;
		half.end = m.name_end;
		break;
	default:
		return 0;
	}
	r = mailbox822_address(p, &half, &bare);
	if (r == 0)
		r = fold_text(texts, bare.p, bare.len);
	sbuf_free(&bare);
	return r;
}

int sortkey_text(struct sbuf *texts, enum sort_by by, const char *p, size_t n,
		 struct sort_text *key)
{
	int is_reply;
	int r;

	key->at = texts->len;
	r = by == SORT_SUBJECT ? subject_base(texts, p, n, &is_reply)
			       : put_local(texts, p, n);
	key->n = texts->len - key->at;
	return r;
}

/* ---- comparing ---- */

static int order_of(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_texts(const struct sort_column *c, uint32_t a, uint32_t b)
{
	const struct sort_text *x = &c->text[a], *y = &c->text[b];
	size_t n = x->n < y->n ? x->n : y->n;
	int r = n > 0 ? memcmp(c->texts + x->at, c->texts + y->at, n) : 0;

	return r != 0 ? r : order_of(x->n, y->n);
}

/* Numbers in the order of unsigned ones. */
static uint64_t biased(int64_t n)
{
	return (uint64_t)n ^ UINT64_C(1) << 63;
}

static int compare_column(const struct sort_column *c, uint32_t a, uint32_t b)
{
	int r = c->number != NULL ? order_of(biased(c->number[a]), biased(c->number[b]))
				  : compare_texts(c, a, b);

	return c->reverse ? -r : r;
}

static int compare(const struct columns *cs, const struct item *a, const struct item *b)
{
	if (a->first != b->first)
		return order_of(a->first, b->first);
	for (size_t i = 0; i < cs->n; i++) {
		int r = compare_column(&cs->c[i], a->at, b->at);

		if (r != 0)
			return r;
	}
	return 0;
}

/* The first eight bytes, as one number. */
static uint64_t first_of(const struct sort_column *c, uint32_t i)
{
	uint64_t first = 0;

	if (c->number != NULL) {
		first = biased(c->number[i]);
	} else {
		const unsigned char *p = (const unsigned char *)c->texts + c->text[i].at;

		for (size_t k = 0; k < 8; k++)
			first = first << 8 | (k < c->text[i].n ? p[k] : 0);
	}
	return c->reverse ? ~first : first;
}

/* ---- sorting: short runs by insertion, then merges, left out where two runs are in order already ---- */

enum { RUN = 8 };

static void sort_runs(const struct columns *cs, struct item *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct item x = a[i];
		size_t k = i;

		for (; k % RUN != 0 && compare(cs, &a[k - 1], &x) > 0; k--)
			a[k] = a[k - 1];
		a[k] = x;
	}
}

static void merge(const struct columns *cs, struct item *to, const struct item *a,
		  size_t na, const struct item *b, size_t nb)
{
	while (na > 0 && nb > 0) {
		if (compare(cs, a, b) <= 0)
			*to++ = *a++, na--;
		else
			*to++ = *b++, nb--;
	}
	memcpy(to, a, na * sizeof *a);
	memcpy(to + na, b, nb * sizeof *b);
}

static void merge_all(const struct columns *cs, struct item *from, struct item *to,
		      size_t n, size_t run)
{
	for (size_t i = 0; i < n; i += 2 * run) {
		size_t na = n - i < run ? n - i : run;
		size_t nb = n - i - na < run ? n - i - na : run;

		if (nb == 0 || compare(cs, &from[i + na - 1], &from[i + na]) <= 0)
			memcpy(to + i, from + i, (na + nb) * sizeof *to);
		else
			merge(cs, to + i, from + i, na, from + i + na, nb);
	}
}

static int is_sorted(const struct columns *cs, const struct item *a, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (compare(cs, &a[i - 1], &a[i]) > 0)
			return 0;
	return 1;
}

int sortkey_order(uint32_t *order, size_t n, const struct sort_column *columns,
		  size_t ncolumns)
{
	struct columns cs = {columns, ncolumns};
	struct item *a, *both;
	size_t run = n;

	if (n == 0 || ncolumns == 0)
		return 0;
	both = calloc(2 * n, sizeof *both);
	if (both == NULL)
		return -1;
	a = both;
	for (size_t i = 0; i < n; i++)
		a[i] = (struct item){first_of(columns, order[i]), order[i]};
	if (!is_sorted(&cs, a, n)) {
		sort_runs(&cs, a, n);
		run = RUN;
	}
	for (; run < n; run *= 2) {
		struct item *to = a == both ? both + n : both;

		merge_all(&cs, a, to, n, run);
		a = to;
	}
	for (size_t i = 0; i < n; i++)
		order[i] = a[i].at;
	free(both);
	return 0;
}
