/* From the heaps into memory: whose turn it is to be tried. */
#include "sched.h"

#include <stdlib.h>

#include "prog.h"

static void push(struct due *d, const struct entry *e)
{
	/* Restarted, qsend finds it again. */
	if (due_push(d, e) == -1)
		die_sys(EXIT_TEMP, "remember a message");
}

static void push_later(struct sched *q, struct due *d, struct entry *e)
{
	e->due = q->now.mono + FAULT_PAUSE;
	push(d, e);
}

void wait_unsorted(struct sched *q, const struct msg *m, uint32_t pause)
{
	struct entry e = {.ns = m->key.ns,
			  .random = m->key.random,
			  .due = q->now.mono + pause,
			  .seen = q->now.mono};

	push(&q->unsorted, &e);
}

static int is_due(const struct sched *q, const struct due *d)
{
	const struct entry *e = due_top(d);

	return e != NULL && e->due <= q->now.mono && q->loaded < LOADED_MAX;
}

static uint32_t count_todo(const struct msg *m, int channel)
{
	uint32_t n = 0;

	for (size_t i = 0; i < m->env.nrcpts; i++)
		n += m->rcpts[i].channel == channel && m->rcpts[i].state == RCPT_TODO;
	return n;
}

static int by_destination(const void *a, const void *b, void *arg)
{
	const struct msg *m = arg;
	uint32_t i = *(const uint32_t *)a;
	uint32_t k = *(const uint32_t *)b;

	if (m->rcpts[i].dest != m->rcpts[k].dest)
		return m->rcpts[i].dest < m->rcpts[k].dest ? -1 : 1;
	return i < k ? -1 : 1;
}

static int make_order(struct half *h, int channel, uint32_t n)
{
	const struct msg *m = h->msg;
	uint32_t k = 0;

	h->order = reallocarray(NULL, n, sizeof *h->order);
	if (h->order == NULL)
		return -1;
	for (uint32_t i = 0; i < m->env.nrcpts; i++)
		if (m->rcpts[i].channel == channel && m->rcpts[i].state == RCPT_TODO)
			h->order[k++] = i;
	if (channel == ROUTE_REMOTE)
		qsort_r(h->order, n, sizeof *h->order, by_destination, (void *)m);
	return 0;
}

/* One pass over the n recipients of a channel begins. */
static void half_start(struct sched *q, struct msg *m, struct channel *c, int size,
		       struct entry *e, uint32_t n)
{
	struct half *h = &m->half[c->kind];

	*h = (struct half){.msg = m, .entry = *e, .n = n, .size = (uint8_t)size};
	if (make_order(h, c->kind, n) == -1) {
		warn_sys("load a message");
		push_later(q, &c->lanes[size].waiting, e);
		return;
	}
	h->dying = (uint8_t)retry_expires(e, m->birth, q->conf.lifetime, &q->now);
	h->on = 1;
	c->lanes[size].active++;
	ring_add(c, h);
}

static void settle_if_idle(struct sched *q, struct msg *m)
{
	if (!m->half[ROUTE_LOCAL].on && !m->half[ROUTE_REMOTE].on)
		settle(q, m);
}

/* A remote recipient with a history waits for the remote schedule; the entry was
 * due by the local one, which comes first. */
static uint32_t remote_due(const struct sched *q, const struct entry *e, uint64_t birth)
{
	uint32_t since = q->now.mono - e->seen;
	uint64_t age = retry_age(birth, &q->now);

	age = age > since ? age - since : 0;
	return e->seen + retry_resume(age, RETRY_SKIP_REMOTE);
}

static void sort_half(struct sched *q, struct msg *m, struct channel *c, struct entry e)
{
	uint32_t n = count_todo(m, c->kind);
	int size = n > BIG_RCPTS;
	struct lane *l = &c->lanes[size];

	if (n == 0)
		return;
	if ((e.flags & ENTRY_RESUMED) && c->kind == ROUTE_REMOTE)
		e.due = remote_due(q, &e, m->birth);
	e.flags = 0;
	if (e.due <= q->now.mono && l->active < l->places)
		half_start(q, m, c, size, &e, n);
	else
		push(&l->waiting, &e);
}

/* So its journal says: it was held before we started. */
static int is_held(struct sched *q, struct msg *m, const struct entry *e)
{
	if (!m->held)
		return 0;
	hold_entry(q, e);
	msg_unload(q, m);
	return 1;
}

static void sort_next(struct sched *q)
{
	struct entry e = due_pop(&q->unsorted);
	struct msg *m;

	switch (msg_load(q, &e, &m)) {
	case LOAD_LATER:
		push_later(q, &q->unsorted, &e);
		return;
	case LOAD_GONE:
	case LOAD_BAD:
		return;
	case LOAD_OK:
		if (is_held(q, m, &e))
			return;
		for (int c = 0; c < CHANNELS; c++)
			sort_half(q, m, &q->ch[c], e);
		settle_if_idle(q, m);
	}
}

static void admit_next(struct sched *q, struct channel *c, int size)
{
	struct lane *l = &c->lanes[size];
	struct entry e = due_pop(&l->waiting);
	struct msg *m = msg_find(q, &e);
	uint32_t n;

	if (m == NULL) {
		enum load r = msg_load(q, &e, &m);

		if (r == LOAD_LATER)
			push_later(q, &l->waiting, &e);
		if (r != LOAD_OK || is_held(q, m, &e))
			return;
	}
	if (m->half[c->kind].on) { /* of recipients that came from the other channel */
		e.due = q->now.mono + REST;
		push(&l->waiting, &e);
		return;
	}
	n = count_todo(m, c->kind);
	if (n > 0 && !m->bad)
		half_start(q, m, c, size, &e, n);
	settle_if_idle(q, m);
}

void admit(struct sched *q)
{
	for (int n = 0; n < ADMIT_BATCH && is_due(q, &q->unsorted); n++)
		sort_next(q);
	for (int c = 0; c < CHANNELS; c++)
		for (int s = 0; s < SIZES; s++) {
			struct lane *l = &q->ch[c].lanes[s];

			while (l->active < l->places && is_due(q, &l->waiting))
				admit_next(q, &q->ch[c], s);
		}
}
