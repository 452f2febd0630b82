/* Seats at destinations: who gets one when one is free.
 *
 * The fairness rule of a destination: entries that wait there, and parts of messages
 * that are loaded, take turns; among entries the one that is due longest is next, among
 * parts the one that waits longest, and a part that has had a job goes behind the others.
 * So a list never keeps a single message from its destination, nor the other way round.
 */
#include "sched.h"

#include <stdlib.h>

#include "qlog.h"

_Static_assert((int)DEST_LANES == (int)SIZES, "a destination has the lanes of a channel");

/* ---- parts ---- */

void part_ready(struct half *h, struct part *p)
{
	p->next = NULL;
	*h->ready_end = p;
	h->ready_end = &p->next;
}

struct part *part_take(struct half *h)
{
	struct part *p = h->ready;

	h->ready = p->next;
	if (h->ready == NULL)
		h->ready_end = &h->ready;
	return p;
}

static uint32_t hash_at(const struct half *h, uint32_t k)
{
	return h->msg->rcpts[h->order[k]].dest;
}

/* In h->order those of one destination stand together. */
int parts_make(struct half *h)
{
	h->nparts = 1;
	for (uint32_t k = 1; k < h->n; k++)
		h->nparts += hash_at(h, k) != hash_at(h, k - 1);
	h->parts = calloc(h->nparts, sizeof *h->parts);
	if (h->parts == NULL)
		return -1;
	h->ready = NULL;
	h->ready_end = &h->ready;
	h->left = h->n;
	for (uint32_t i = 0, k = 0; i < h->nparts; i++) {
		struct part *p = &h->parts[i];

		*p = (struct part){.half = h, .hash = hash_at(h, k), .at = k};
		while (k < h->n && hash_at(h, k) == p->hash)
			k++;
		p->end = k;
		part_ready(h, p);
	}
	return 0;
}

void part_park(struct sched *q, struct part *p, struct dest *d)
{
	p->parked = 1;
	p->dest = d;
	p->next = NULL;
	p->prev = d->parked_end;
	*d->parked_end = p;
	d->parked_end = &p->next;
	dest_stir(&q->dests, d);
}

static void unpark(struct part *p)
{
	*p->prev = p->next;
	if (p->next != NULL)
		p->next->prev = p->prev;
	else
		p->dest->parked_end = p->prev;
	p->parked = 0;
	p->dest = NULL;
}

void parts_drop(struct sched *q, struct half *h)
{
	for (uint32_t i = 0; i < h->nparts; i++) {
		struct part *p = &h->parts[i];

		if (p->parked)
			unpark(p);
		else if (p->dest != NULL)
			dest_give(&q->dests, p->dest);
	}
	free(h->parts);
	h->parts = NULL;
	h->nparts = 0;
	h->ready = NULL;
	idle_remove(q, h);
}

/* ---- halves that only wait ---- */

static struct lane *lane_of(struct sched *q, const struct half *h)
{
	return &half_channel(q, h)->lanes[h->size];
}

void idle_add(struct sched *q, struct half *h)
{
	struct lane *l = lane_of(q, h);

	if (h->idle)
		return;
	h->idle = 1;
	h->idle_since = q->now.mono;
	h->idle_next = NULL;
	h->idle_prev = l->idle_last;
	*(l->idle_last ? &l->idle_last->idle_next : &l->idle) = h;
	l->idle_last = h;
}

void idle_remove(struct sched *q, struct half *h)
{
	struct lane *l = lane_of(q, h);

	if (!h->idle)
		return;
	h->idle = 0;
	*(h->idle_prev ? &h->idle_prev->idle_next : &l->idle) = h->idle_next;
	*(h->idle_next ? &h->idle_next->idle_prev : &l->idle_last) = h->idle_prev;
}

/* ---- seats ---- */

static void wake_part(struct sched *q, struct dest *d, int with_seat)
{
	struct part *p = d->parked;
	struct half *h = p->half;

	unpark(p);
	if (with_seat) {
		dest_take(&q->dests, d, q->now.mono_ms);
		p->dest = d;
	}
	part_ready(h, p);
	idle_remove(q, h);
	if (!h->in_ring)
		ring_add(half_channel(q, h), h);
}

/* One seat, or one that is to be passed over: 0 when there is none to give. */
static int give_one(struct sched *q, struct dest *d)
{
	int has_due = dest_has_due(d, q->now.mono);
	enum dest_can can;

	if (d->parked == NULL && !has_due)
		return 0;
	can = dest_ask(d, q->now.mono_ms, d->parked != NULL && d->parked->half->insists);
	if (has_due && (d->turn || d->parked == NULL)) {
		if (dest_ask(d, q->now.mono_ms, 0) != DEST_WAIT)
			dest_open(&q->dests, d);
		return 0; /* admit() takes it from there */
	}
	if (can == DEST_WAIT)
		return 0;
	d->turn = 1;
	wake_part(q, d, can == DEST_GO);
	return 1;
}

void turns_give(struct sched *q)
{
	struct dest *d;

	dests_tick(&q->dests, q->now.mono_ms);
	while ((d = dests_stirred(&q->dests)) != NULL) {
		while (give_one(q, d))
			;
		dest_arm(&q->dests, d, q->now.mono_ms);
	}
}

void turns_log(const struct dest *d, enum dest_news news)
{
	struct qlog l;

	if (news == DEST_IS_BACK) {
		qlog_begin(&l, "back");
		qlog_str(&l, "host", d->name);
	} else {
		qlog_begin(&l, "rest");
		qlog_str(&l, "host", d->name);
		qlog_str(&l, "why", news == DEST_IS_DEAD ? "dead" : "slow");
		qlog_num(&l, "seconds", news == DEST_IS_DEAD ? d->dead : d->slow);
	}
	qlog_end(&l);
}

struct old {
	const struct sched *q;
	struct due *to;
};

static enum due_change take_old(void *arg, struct entry *e)
{
	struct old *o = arg;
	struct entry look = *e;

	if (e->due + DEST_PATIENCE > o->q->now.mono)
		return DUE_KEPT;
	look.flags |= ENTRY_LOOK;
	return due_push(o->to, &look) == 0 ? DUE_TAKEN : DUE_KEPT;
}

static void look_at_halves(struct sched *q, struct lane *l)
{
	struct half *h;

	while ((h = l->idle) != NULL && h->idle_since + DEST_PATIENCE <= q->now.mono) {
		h->entry.flags |= ENTRY_LOOK;
		half_leave(q, h, q->now.mono);
	}
}

void turns_look(struct sched *q)
{
	struct channel *c = &q->ch[ROUTE_REMOTE];

	q->next_look = q->now.mono + LOOK_PAUSE;
	for (int s = 0; s < SIZES; s++) {
		struct old o = {q, &c->lanes[s].waiting};

		look_at_halves(q, &c->lanes[s]);
		for (struct dest *d = q->dests.oldest; d != NULL; d = d->newer)
			(void)due_walk(&d->waiting[s], take_old, &o);
	}
}

void turns_forgive_one(struct sched *q, uint32_t hash)
{
	struct dest *d = hash != 0 ? dests_find(&q->dests, hash) : NULL;

	if (d == NULL)
		return;
	dest_forgive(d);
	dest_stir(&q->dests, d);
}

void turns_forgive(struct sched *q)
{
	for (struct dest *d = q->dests.oldest; d != NULL; d = d->newer) {
		dest_forgive(d);
		dest_stir(&q->dests, d);
	}
}

uint64_t turns_waiting(const struct sched *q)
{
	uint64_t n = 0;

	for (const struct dest *d = q->dests.oldest; d != NULL; d = d->newer)
		for (int i = 0; i < SIZES; i++)
			n += d->waiting[i].n;
	return n;
}

uint32_t turns_resting(const struct sched *q)
{
	uint32_t n = 0;

	for (const struct dest *d = q->dests.oldest; d != NULL; d = d->newer)
		n += dest_rests(d, q->now.mono_ms) != 0;
	return n;
}
