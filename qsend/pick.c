/* Which entries the keeper means: found by their ids, or all. */
#include "pick.h"

#include <stdlib.h>

#include "keeper.h"
#include "qid.h"
#include "sched.h"

static int by_id(const void *a, const void *b)
{
	const struct pick *x = a;
	const struct pick *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return (x->random > y->random) - (x->random < y->random);
}

static struct pick *find(const struct picks *s, const struct entry *e)
{
	struct pick key = {.ns = e->ns, .random = e->random};
	struct pick *p = bsearch(&key, s->p, s->n, sizeof *s->p, by_id);

	while (p != NULL && p > s->p && by_id(p, p - 1) == 0)
		p--; /* named twice: the first */
	return p;
}

/* Of two halves one entry stays: the older history counts. */
static void keep_entry(struct pick *p, const struct entry *e, int held)
{
	if (!p->waits || e->tries > p->entry.tries)
		p->entry = *e;
	p->waits = 1;
	p->held |= (uint8_t)held;
}

static enum due_change take_entry(void *arg, struct entry *e)
{
	struct picks *s = arg;
	struct pick *p = find(s, e);

	if (p == NULL)
		return DUE_KEPT;
	keep_entry(p, e, s->from_held);
	return DUE_TAKEN;
}

static void make_due(const struct sched *q, struct entry *e)
{
	if (e->due > q->now.mono)
		e->due = q->now.mono;
	e->flags &= (uint8_t) ~(ENTRY_RESUMED | ENTRY_RESTED);
	e->flags |= ENTRY_INSIST;
}

static enum due_change retry_entry(void *arg, struct entry *e)
{
	struct picks *s = arg;
	struct pick *p = find(s, e);

	if (p == NULL)
		return DUE_KEPT;
	keep_entry(p, e, s->from_held);
	if (s->from_held)
		return DUE_KEPT;
	make_due(s->q, e);
	turns_forgive_one(s->q, e->dest);
	return DUE_CHANGED;
}

static void walk_heap(void *arg, struct due *d)
{
	struct picks *s = arg;

	s->from_held = d == &s->q->held;
	(void)due_walk(d, s->take ? take_entry : retry_entry, s);
}

int picks_make(struct picks *s, struct sched *q, const struct keeper_request *r)
{
	*s = (struct picks){.q = q, .take = r->ask != KEEPER_RETRY};
	s->p = calloc(r->n + 1, sizeof *s->p);
	if (s->p == NULL)
		return -1;
	for (size_t i = 0; i < r->n; i++) {
		struct pick *p = &s->p[s->n];

		p->place = i;
		if (qid_split(keeper_id(r, i), &p->ns, &p->random) == 0)
			s->n++;
	}
	qsort(s->p, s->n, sizeof *s->p, by_id);
	heaps_each(q, walk_heap, s);
	return 0;
}

void picks_free(struct picks *s)
{
	free(s->p);
}

int picks_again(const struct picks *s, size_t i)
{
	return i > 0 && by_id(&s->p[i], &s->p[i - 1]) == 0;
}

/* ---- all ---- */

static enum due_change retry_any(void *arg, struct entry *e)
{
	struct picks *s = arg;

	make_due(s->q, e);
	return DUE_CHANGED;
}

static void retry_heap(void *arg, struct due *d)
{
	struct picks *s = arg;

	if (d != &s->q->held)
		s->n += due_walk(d, retry_any, s);
}

uint64_t picks_retry_all(struct sched *q)
{
	struct picks s = {.q = q};

	heaps_each(q, retry_heap, &s);
	turns_forgive(q);
	return s.n;
}
