#include "due.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_CAP = 16, SHRINK_CAP = 4096 };

static int is_before(const struct entry *a, const struct entry *b)
{
	if (a->due != b->due)
		return a->due < b->due;
	return a->ns < b->ns;
}

static void swap(struct entry *a, struct entry *b)
{
	struct entry t = *a;

	*a = *b;
	*b = t;
}

static void sift_up(struct due *d, size_t i)
{
	while (i > 0 && is_before(&d->e[i], &d->e[(i - 1) / 2])) {
		swap(&d->e[i], &d->e[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

static void sift_down(struct due *d, size_t i)
{
	for (;;) {
		size_t least = i;

		for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < d->n; c++)
			if (is_before(&d->e[c], &d->e[least]))
				least = c;
		if (least == i)
			return;
		swap(&d->e[i], &d->e[least]);
		i = least;
	}
}

/* By half: doubling would waste 16 bytes a message at the worst moment. */
static int grow(struct due *d)
{
	size_t cap = d->cap ? d->cap + d->cap / 2 : FIRST_CAP;
	struct entry *e = reallocarray(d->e, cap, sizeof *e);

	if (e == NULL)
		return -1;
	d->e = e;
	d->cap = cap;
	return 0;
}

/* Memory goes back while the entries move elsewhere. */
static void shrink(struct due *d)
{
	struct entry *e;

	if (d->cap <= SHRINK_CAP || d->n > d->cap / 2)
		return;
	e = reallocarray(d->e, d->cap / 4 * 3, sizeof *e);
	if (e == NULL)
		return;
	d->e = e;
	d->cap = d->cap / 4 * 3;
}

int due_push(struct due *d, const struct entry *e)
{
	if (d->n == d->cap && grow(d) == -1)
		return -1;
	d->e[d->n++] = *e;
	sift_up(d, d->n - 1);
	return 0;
}

const struct entry *due_top(const struct due *d)
{
	return d->n > 0 ? &d->e[0] : NULL;
}

struct entry due_pop(struct due *d)
{
	struct entry top = d->e[0];

	d->e[0] = d->e[--d->n];
	sift_down(d, 0);
	shrink(d);
	return top;
}

size_t due_walk(struct due *d, enum due_change (*change)(void *arg, struct entry *e),
		void *arg)
{
	size_t touched = 0;
	size_t kept = 0;

	for (size_t i = 0; i < d->n; i++) {
		enum due_change c = change(arg, &d->e[i]);

		touched += c != DUE_KEPT;
		if (c != DUE_TAKEN)
			d->e[kept++] = d->e[i];
	}
	d->n = kept;
	for (size_t i = touched > 0 ? d->n / 2 : 0; i-- > 0;)
		sift_down(d, i);
	return touched;
}

/* Its index, or n. */
static size_t find(const struct due *d, uint64_t ns, uint32_t random)
{
	size_t i = 0;

	while (i < d->n && (d->e[i].ns != ns || d->e[i].random != random))
		i++;
	return i;
}

size_t due_has(struct due *d, uint64_t ns, uint32_t random)
{
	return find(d, ns, random) < d->n;
}

size_t due_forget(struct due *d, uint64_t ns, uint32_t random)
{
	size_t i = find(d, ns, random);

	if (i == d->n)
		return 0;
	d->e[i] = d->e[--d->n];
	if (i < d->n) {
		sift_up(d, i);
		sift_down(d, i);
	}
	return 1;
}

void due_free(struct due *d)
{
	free(d->e);
	*d = (struct due){0};
}
