/* All the heaps in which messages wait, and into which of them one goes. */
#include "sched.h"

#include "prog.h"

/* ---- each of them ---- */

void heaps_each(struct sched *q, heap_visit *visit, void *arg)
{
	visit(arg, &q->unsorted);
	visit(arg, &q->held);
	for (int c = 0; c < CHANNELS; c++)
		for (int s = 0; s < SIZES; s++)
			visit(arg, &q->ch[c].lanes[s].waiting);
	for (struct dest *d = q->dests.oldest; d != NULL; d = d->newer)
		for (int s = 0; s < SIZES; s++)
			visit(arg, &d->waiting[s]);
}

struct forgotten {
	uint64_t ns;
	uint32_t random;
};

static void forget_in(void *arg, struct due *d)
{
	const struct forgotten *f = arg;

	(void)due_forget(d, f->ns, f->random);
}

void heaps_forget(struct sched *q, uint64_t ns, uint32_t random)
{
	struct forgotten f = {ns, random};

	heaps_each(q, forget_in, &f);
}

/* ---- into one of them ---- */

void wait_push(struct due *d, const struct entry *e)
{
	/* Restarted, qsend finds it again. */
	if (due_push(d, e) == -1)
		die_sys(EXIT_TEMP, "remember a message");
}

void wait_unsorted(struct sched *q, const struct msg *m, uint32_t pause)
{
	struct entry e = {.ns = m->key.ns,
			  .random = m->key.random,
			  .due = q->now.mono + pause,
			  .seen = m->key.seen,
			  .flags = m->key.flags & ENTRY_FOUND};

	wait_push(&q->unsorted, &e);
}

void wait_entry(struct sched *q, struct channel *c, int size, const struct entry *e)
{
	int at_dest = !(e->flags & ENTRY_LOOK) &&
		      (e->due <= q->now.mono || (e->flags & ENTRY_RESTED));
	struct dest *d = e->dest != 0 && at_dest ? dests_find(&q->dests, e->dest) : NULL;

	if (d == NULL) {
		wait_push(&c->lanes[size].waiting, e);
		return;
	}
	wait_push(&d->waiting[size], e);
	dest_stir(&q->dests, d);
}

/* ---- out of them ---- */

struct own {
	struct entry e;
	size_t n;
};

static enum due_change take_own(void *arg, struct entry *e)
{
	struct own *o = arg;
	uint32_t due = o->n > 0 && o->e.due < e->due ? o->e.due : e->due;

	if (e->ns != o->e.ns || e->random != o->e.random)
		return DUE_KEPT;
	if (o->n++ == 0 || e->tries > o->e.tries)
		o->e = *e;
	o->e.due = due;
	return DUE_TAKEN;
}

static void take_all_own(void *arg, struct due *d)
{
	(void)due_walk(d, take_own, arg);
}

void wait_anew(struct sched *q, struct msg *m)
{
	struct own o = {.e = m->key};

	m->moved = 0;
	o.e.due = q->now.mono;
	heaps_each(q, take_all_own, &o);
	if (m->todo == 0 || m->stopped || m->removed || m->ended)
		return;
	o.e.flags &= ENTRY_INSIST | ENTRY_FOUND;
	o.e.dest = 0;
	wait_push(&q->unsorted, &o.e);
}

size_t wait_of(struct sched *q, struct channel *c, const struct entry *e, wait_look *look)
{
	size_t n = 0;

	for (int s = 0; s < SIZES; s++) {
		n += look(&c->lanes[s].waiting, e->ns, e->random);
		for (struct dest *d = q->dests.oldest;
		     c->kind == ROUTE_REMOTE && d != NULL; d = d->newer)
			n += look(&d->waiting[s], e->ns, e->random);
	}
	return n;
}
