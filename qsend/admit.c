/* From the heaps into memory: whose turn it is to be tried. */
#include "sched.h"

#include <stdlib.h>

#include "prog.h"

static void push_later(struct sched *q, struct due *d, struct entry *e)
{
	e->due = q->now.mono + FAULT_PAUSE;
	wait_push(d, e);
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

static int expires(const struct sched *q, const struct entry *e)
{
	return retry_expires(e, e->ns / 1000000000, q->conf.lifetime, &q->now);
}

static int insists(const struct sched *q, const struct entry *e)
{
	return (e->flags & ENTRY_INSIST) || expires(q, e);
}

/* One pass over the n recipients of a channel begins. seat: of its one destination,
 * where one is free. */
static void half_start(struct sched *q, struct msg *m, struct channel *c, int size,
		       struct entry *e, uint32_t n, struct dest *seat)
{
	struct half *h = &m->half[c->kind];

	*h = (struct half){.msg = m, .entry = *e, .n = n, .size = (uint8_t)size};
	if (make_order(h, c->kind, n) == -1 || parts_make(h) == -1) {
		warn_sys("load a message");
		free(h->order);
		h->order = NULL;
		push_later(q, &c->lanes[size].waiting, e);
		return;
	}
	h->dying = (uint8_t)expires(q, e);
	h->insists = (uint8_t)insists(q, e);
	h->looks = (e->flags & ENTRY_LOOK) != 0;
	h->entry.flags &= (uint8_t)~ENTRY_LOOK;
	h->on = 1;
	if (seat != NULL && h->nparts == 1 && h->parts[0].hash == seat->hash) {
		dest_take(&q->dests, seat, q->now.mono_ms);
		h->parts[0].dest = seat;
	}
	c->lanes[size].active++;
	ring_add(c, h);
}

static void settle_if_idle(struct sched *q, struct msg *m)
{
	if (!m->half[ROUTE_LOCAL].on && !m->half[ROUTE_REMOTE].on)
		settle(q, m);
}

/* A recipient with a history waits for the schedule of its channel. */
static uint32_t resumed_due(const struct sched *q, const struct entry *e, uint64_t birth,
			    unsigned skip)
{
	uint32_t since = q->now.mono - e->seen;
	uint64_t age = retry_age(birth, &q->now);

	age = age > since ? age - since : 0;
	return e->seen + retry_resume(age, skip);
}

/* Must it wait with its destination? A seat that it may have at once is in *seat. */
static int must_wait(struct sched *q, const struct entry *e, struct dest **seat)
{
	struct dest *d = e->dest != 0 ? dests_find(&q->dests, e->dest) : NULL;
	enum dest_can can;

	*seat = NULL;
	if (d == NULL || (e->flags & ENTRY_LOOK))
		return 0;
	can = dest_ask(d, q->now.mono_ms, insists(q, e));
	if (can == DEST_WAIT)
		return 1;
	if (can == DEST_GO && (d->parked != NULL || dest_has_due(d, q->now.mono)))
		return 1;
	*seat = can == DEST_GO ? d : NULL;
	return 0;
}

static uint32_t common_dest(const struct msg *m, const struct channel *c)
{
	uint32_t dest = 0;

	for (size_t i = 0; i < m->env.nrcpts; i++) {
		const struct rcpt *r = &m->rcpts[i];

		if (r->channel != c->kind || r->state != RCPT_TODO)
			continue;
		if (dest != 0 && r->dest != dest)
			return 0;
		dest = r->dest;
	}
	return dest;
}

static int has_place(const struct sched *q, const struct lane *l)
{
	return l->active < l->places && q->loaded < LOADED_MAX;
}

static void sort_half(struct sched *q, struct msg *m, struct channel *c, struct entry e)
{
	uint32_t n = count_todo(m, c->kind);
	int size = n > BIG_RCPTS;
	struct lane *l = &c->lanes[size];
	struct dest *seat;

	if (n == 0)
		return;
	if (e.flags & ENTRY_RESUMED)
		e.due = resumed_due(q, &e, m->birth, c->skip);
	e.flags &= ENTRY_INSIST | ENTRY_FOUND;
	e.dest = common_dest(m, c);
	if (e.due > q->now.mono)
		wait_push(&l->waiting, &e);
	else if (must_wait(q, &e, &seat))
		wait_entry(q, c, size, &e);
	else if (l->active < l->places)
		half_start(q, m, c, size, &e, n, seat);
	else
		wait_push(&l->waiting, &e);
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

/* The keeper had it back while a half of it was under way: the entry stands for the
 * other one, and for whatever waited of it. */
static void sort_rest(struct sched *q, struct msg *m, const struct entry *e)
{
	if (m->settling || m->stopped || m->bad) { /* it will soon be loaded no more */
		struct entry later = *e;

		later.due = q->now.mono + REST;
		wait_push(&q->unsorted, &later);
		return;
	}
	m->moved = 1;
	heaps_forget(q, e->ns, e->random);
	for (int c = 0; c < CHANNELS; c++)
		if (!m->half[c].on)
			sort_half(q, m, &q->ch[c], *e);
}

static void sort_next(struct sched *q)
{
	struct entry e = due_pop(&q->unsorted);
	struct msg *m = msg_find(q, &e);

	if (m != NULL) {
		sort_rest(q, m, &e);
		return;
	}
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

/* Routes have changed since it began to wait: some of its recipients, or all, belong to
 * the other channel now, where nothing may stand for them. */
static void sort_moved(struct sched *q, struct msg *m, struct channel *other,
		       const struct entry *e)
{
	struct entry moved = *e;

	if (!q->rerouted || m->half[other->kind].on || m->settling || m->stopped ||
	    m->bad || count_todo(m, other->kind) == 0 ||
	    wait_of(q, other, e, due_has) > 0)
		return;
	moved.flags &= (uint8_t)~ENTRY_RESUMED;
	sort_half(q, m, other, moved);
}

static void admit_entry(struct sched *q, struct channel *c, int size, struct entry e,
			struct dest *seat)
{
	struct lane *l = &c->lanes[size];
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
		m->moved = 1;
		e.due = q->now.mono + REST;
		wait_push(&l->waiting, &e);
		return;
	}
	n = count_todo(m, c->kind);
	if (n > 0 && !m->bad)
		half_start(q, m, c, size, &e, n, seat);
	sort_moved(q, m, &q->ch[!c->kind], &e);
	settle_if_idle(q, m);
}

/* A half that only waits goes when another wants its place. */
static int make_place(struct sched *q, struct lane *l)
{
	if (!has_place(q, l) && l->idle != NULL &&
	    q->now.mono - l->idle->idle_since >= IDLE_PATIENCE)
		half_leave(q, l->idle, q->now.mono + IDLE_PAUSE);
	return has_place(q, l);
}

static int admit_next(struct sched *q, struct channel *c, int size)
{
	struct lane *l = &c->lanes[size];
	struct dest *seat;
	struct entry e;

	if (must_wait(q, due_top(&l->waiting), &seat)) {
		e = due_pop(&l->waiting);
		wait_entry(q, c, size, &e);
		return 1;
	}
	if (!make_place(q, l))
		return 0;
	e = due_pop(&l->waiting);
	admit_entry(q, c, size, e, seat);
	return 1;
}

/* ---- those that wait with their destinations ---- */

static int is_due(const struct sched *q, const struct due *d)
{
	const struct entry *e = due_top(d);

	return e != NULL && e->due <= q->now.mono;
}

/* 0: there is no place for what waits there. */
static int admit_from(struct sched *q, struct dest *d)
{
	struct channel *c = &q->ch[ROUTE_REMOTE];
	int left_out = 0;
	int admitted = 0;

	for (int s = 0; s < SIZES; s++) {
		struct due *w = &d->waiting[s];
		enum dest_can can;
		struct entry e;

		if (!is_due(q, w))
			continue;
		can = dest_ask(d, q->now.mono_ms, insists(q, due_top(w)));
		if (can == DEST_WAIT)
			continue;
		if (!make_place(q, &c->lanes[s])) {
			left_out = 1;
			continue;
		}
		e = due_pop(w);
		if (w->n == 0)
			due_free(w);
		admit_entry(q, c, s, e, can == DEST_GO ? d : NULL);
		admitted = 1;
	}
	d->turn = 0;
	/* Who is left out for want of a place stays open: no look at it gives him one. */
	if (admitted || !left_out || d->parked != NULL)
		dest_stir(&q->dests, d);
	return !left_out;
}

/* Each once. */
static void admit_open(struct sched *q)
{
	const struct dest *first_out = NULL;
	struct dest *d;

	while ((d = q->dests.open.head) != NULL && d != first_out) {
		(void)dests_open(&q->dests);
		if (admit_from(q, d))
			continue;
		dest_open(&q->dests, d);
		if (first_out == NULL)
			first_out = d;
	}
}

void admit(struct sched *q)
{
	for (int n = 0;
	     n < ADMIT_BATCH && is_due(q, &q->unsorted) && q->loaded < LOADED_MAX; n++)
		sort_next(q);
	admit_open(q);
	for (int c = 0; c < CHANNELS; c++)
		for (int s = 0; s < SIZES; s++) {
			struct lane *l = &q->ch[c].lanes[s];
			int n = 0;

			while (n++ < LANE_BATCH && is_due(q, &l->waiting) &&
			       admit_next(q, &q->ch[c], s))
				;
		}
}
