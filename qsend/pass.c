/* The end of a pass: what is left of a half waits for its next try, elsewhere for its
 * turn; the last half of a message that ends settles it. */
#include "sched.h"

#include <stdlib.h>

#include "log.h"

/* Those to be tried again, and their destination if it is one. */
static uint32_t count_left(const struct half *h, uint32_t *dest)
{
	uint32_t n = 0;

	*dest = 0;
	for (uint32_t k = 0; k < h->n; k++) {
		const struct rcpt *r = &h->msg->rcpts[h->order[k]];

		if (r->state != RCPT_TODO)
			continue;
		if (n++ == 0)
			*dest = r->dest;
		else if (r->dest != *dest)
			*dest = 0;
	}
	return n;
}

static void try_later(struct sched *q, struct half *h, struct channel *c)
{
	struct journal_record r = {
	    .what = 'A', .channel = (uint8_t)c->kind, .time = q->now.wall};

	retry_later(&h->entry, h->msg->birth, q->conf.lifetime, c->skip, h->counts,
		    &q->now);
	h->entry.flags &= ENTRY_FOUND;
	if (h->rested)
		h->entry.flags |= ENTRY_RESTED;
	msg_note(q, h->msg, &r);
	wait_entry(q, c, h->size, &h->entry);
}

/* Recipients that a changed control file gave to the other channel. What waits of
 * that one, perhaps for a destination that is not theirs, goes with them. */
static void hand_over(struct sched *q, struct half *h, const struct channel *c)
{
	struct channel *other = &q->ch[!c->kind];
	struct entry e = h->entry;

	e.due = q->now.mono;
	e.dest = 0;
	(void)wait_of(q, other, &e, due_forget);
	wait_push(&other->lanes[h->size].waiting, &e);
}

struct channel *half_channel(struct sched *q, const struct half *h)
{
	return &q->ch[h == &h->msg->half[ROUTE_REMOTE] ? ROUTE_REMOTE : ROUTE_LOCAL];
}

/* Those that are left wait for their next try. */
static void half_requeue(struct sched *q, struct half *h, struct channel *c, uint32_t due)
{
	uint32_t n;

	if (h->strays)
		hand_over(q, h, c);
	n = count_left(h, &h->entry.dest);
	if (n == 0)
		return;
	if (h->defers)
		try_later(q, h, c);
	else if (h->left > 0) {
		h->entry.due = due;
		wait_entry(q, c, h->size, &h->entry);
	}
}

void half_leave(struct sched *q, struct half *h, uint32_t due)
{
	struct msg *m = h->msg;
	struct channel *c = half_channel(q, h);

	h->on = 0;
	c->lanes[h->size].active--;
	if (h->in_ring)
		ring_remove(c, h);
	parts_drop(q, h);
	if (!m->bad && !m->stopped)
		half_requeue(q, h, c, due);
	free(h->order);
	h->order = NULL;
	if (!m->half[!c->kind].on)
		settle(q, m);
}

/* It has nothing under way and nothing ready: with one destination it waits there,
 * with several it keeps its place while nobody wants it. */
static void half_idle(struct sched *q, struct half *h)
{
	uint32_t parts = 0;

	for (uint32_t i = 0; i < h->nparts && parts < 2; i++)
		parts += h->parts[i].at < h->parts[i].end;
	if (parts == 1 && !h->defers && !h->strays)
		half_leave(q, h, q->now.mono);
	else
		idle_add(q, h);
}

void half_check(struct sched *q, struct half *h)
{
	const struct msg *m = h->msg;

	if (!h->on || h->running > 0 || m->failing > 0 || m->syncing > 0)
		return;
	if (h->left == 0)
		half_leave(q, h, q->now.mono);
	else if (h->ready == NULL)
		half_idle(q, h);
}

/* Of a message that dies of it this is the end, as of one that was deferred. */
static void decide_untried(struct sched *q, struct half *h, uint32_t i, const char *text)
{
	struct delivery d = {++q->deliveries, q->now.mono_ms};

	log_start(q, half_channel(q, h), h->msg, i, d.number);
	rcpt_decide(q, h, i, &d, 'Z', text);
}

void part_pass_over(struct sched *q, struct part *p, int rests)
{
	static const char is_dead[] =
	    "4.4.1 The hosts of this destination did not answer a while ago: "
	    "I leave them alone for now.";
	static const char is_full[] =
	    "4.4.5 This destination takes few messages at a time: this one waits for "
	    "its turn.";
	struct half *h = p->half;

	for (; p->at < p->end; p->at++) {
		h->left--;
		if (h->dying)
			decide_untried(q, h, h->order[p->at], is_full);
		else
			rcpt_defer(q, h, h->order[p->at], rests ? is_dead : is_full);
	}
	h->rested |= (uint8_t)(rests != 0);
}

void msg_stop(struct sched *q, struct msg *m)
{
	for (int k = 0; k < CHANNELS; k++) {
		struct half *h = &m->half[k];

		if (!h->on || h->left == 0)
			continue;
		h->left = 0;
		parts_drop(q, h);
		if (h->in_ring)
			ring_remove(&q->ch[k], h);
	}
}

/* The last half that ends settles the message, and then it may be gone. */
void msg_check(struct sched *q, struct msg *m)
{
	int both = m->half[ROUTE_LOCAL].on && m->half[ROUTE_REMOTE].on;
	int one = m->half[ROUTE_LOCAL].on ? ROUTE_LOCAL : ROUTE_REMOTE;

	half_check(q, &m->half[one]);
	if (both)
		half_check(q, &m->half[ROUTE_REMOTE]);
}
