/* What the keeper can measure: what waits, what has been counted since the start, and
 * whether the queue stands still. */
#include "sched.h"

#include "keeper.h"
#include "log.h"

static void older(uint64_t *oldest, uint64_t ns)
{
	if (*oldest == 0 || ns < *oldest)
		*oldest = ns;
}

static void oldest_in(void *arg, struct due *d)
{
	for (size_t i = 0; i < d->n; i++)
		older(arg, d->e[i].ns);
}

static uint64_t oldest(struct sched *q)
{
	uint64_t ns = 0;

	heaps_each(q, oldest_in, &ns);
	for (int b = 0; b < BUCKETS; b++)
		for (const struct msg *m = q->buckets[b]; m != NULL; m = m->next)
			older(&ns, m->key.ns);
	return ns / 1000000000;
}

static uint64_t since(const struct sched *q, uint32_t then)
{
	return q->now.mono > then ? q->now.mono - then : 0;
}

static void longer(uint64_t *longest, uint64_t s)
{
	if (s > *longest)
		*longest = s;
}

static uint64_t overdue_in(const struct sched *q, const struct due *d)
{
	const struct entry *e = due_top(d);

	return e != NULL ? since(q, e->due) : 0;
}

/* In the ring without a job: its turn has not come. */
static uint64_t overdue_ring(const struct sched *q, const struct channel *c)
{
	const struct half *h = c->ring;
	uint64_t longest = 0;

	if (h == NULL)
		return 0;
	do {
		h = h->next;
		if (h->running == 0)
			longer(&longest, since(q, h->entry.due));
	} while (h != c->ring);
	return longest;
}

/* With destinations that do not rest and whose pace holds nobody up. */
static uint64_t overdue_dests(const struct sched *q)
{
	uint64_t longest = 0;

	for (const struct dest *d = q->dests.oldest; d != NULL; d = d->newer)
		for (int s = 0; s < SIZES; s++)
			if (!dest_rests(d, q->now.mono_ms) && d->next <= q->now.mono_ms)
				longer(&longest, overdue_in(q, &d->waiting[s]));
	return longest;
}

static uint64_t overdue_channel(const struct sched *q, const struct channel *c)
{
	uint64_t longest = overdue_ring(q, c);

	if (c->paused || c->limit == 0)
		return 0;
	for (int s = 0; s < SIZES; s++)
		longer(&longest, overdue_in(q, &c->lanes[s].waiting));
	if (c->kind == ROUTE_REMOTE)
		longer(&longest, overdue_dests(q));
	return longest;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A long queue that moves is none that stands still: something is due, and on its
 * channel nothing has begun or ended. */
static void measure_wait(const struct sched *q, struct keeper_frame *f)
{
	uint64_t busy = UINT64_MAX;

	for (int i = 0; i < CHANNELS; i++) {
		uint64_t overdue = overdue_channel(q, &q->ch[i]);
		uint64_t idle = since(q, log_counts.ch[i].last);

		busy = smaller(busy, idle);
		longer(&f->overdue, overdue);
		longer(&f->stalled, smaller(overdue, idle));
	}
	longer(&f->overdue, overdue_in(q, &q->unsorted));
	longer(&f->stalled, smaller(overdue_in(q, &q->unsorted), busy));
}

void gauge(struct sched *q, struct keeper_frame *f)
{
	*f = (struct keeper_frame){.what = 'S',
				   .started = log_counts.started,
				   .messages = q->messages,
				   .messages_held = q->held.n,
				   .loaded = q->loaded,
				   .bounces = bounces_running(),
				   .oldest = oldest(q),
				   .deliveries = q->deliveries,
				   .accepted = log_counts.accepted,
				   .bytes = log_counts.bytes,
				   .ended = log_counts.ended,
				   .notifications = log_counts.notifications,
				   .removed = log_counts.removed,
				   .resting = turns_resting(q),
				   .bad = log_counts.bad};
	for (int i = 0; i < CHANNELS; i++) {
		const struct channel *c = &q->ch[i];

		f->ch[i] =
		    (struct keeper_channel){.running = c->running,
					    .limit = c->limit,
					    .paused = (uint8_t)c->paused,
					    .delivered = log_counts.ch[i].delivered,
					    .failed = log_counts.ch[i].failed,
					    .deferred = log_counts.ch[i].deferred};
		for (int s = 0; s < SIZES; s++)
			f->ch[i].waiting += c->lanes[s].waiting.n;
	}
	f->ch[ROUTE_REMOTE].waiting += turns_waiting(q);
	measure_wait(q, f);
}
