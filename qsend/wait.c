/* When the loop has to look again, though nothing happens. */
#include "sched.h"

static void sooner(uint32_t *at, uint32_t when)
{
	if (when < *at)
		*at = when;
}

static void sooner_due(const struct sched *q, uint32_t *at, const struct due *d)
{
	const struct entry *e = due_top(d);

	if (e != NULL && q->loaded < LOADED_MAX)
		sooner(at, e->due);
}

/* A lane whose places are taken: when is one to be had from who only waits? */
static void sooner_lane(const struct sched *q, uint32_t *at, const struct lane *l)
{
	if (l->active < l->places)
		sooner_due(q, at, &l->waiting);
	else if (l->idle != NULL)
		sooner(at, l->idle->idle_since + IDLE_PATIENCE > q->now.mono
			       ? l->idle->idle_since + IDLE_PATIENCE
			       : q->now.mono + 1);
}

/* When to look again, though nothing happens (mono). */
static uint32_t next_turn(const struct sched *q)
{
	uint32_t at = q->next_scan;

	if (q->scan)
		return q->now.mono;
	if (settle_stuck() > 0)
		sooner(&at, q->next_settle);
	sooner_due(q, &at, &q->unsorted);
	for (int i = 0; i < CHANNELS; i++) {
		const struct channel *c = &q->ch[i];

		if (c->ring != NULL && c->rest > q->now.mono)
			sooner(&at, c->rest);
		for (int s = 0; s < SIZES; s++)
			sooner_lane(q, &at, &c->lanes[s]);
	}
	return at;
}

struct timespec longest_wait(const struct sched *q)
{
	int64_t at = q->stopping ? q->stop_at : (int64_t)next_turn(q) * 1000;
	int64_t left = at - q->now.mono_ms;

	if (!q->stopping && dests_next(&q->dests) < at)
		left = dests_next(&q->dests) - q->now.mono_ms;
	if (!q->stopping && q->dests.stirred.head != NULL)
		left = 0;
	if (left < 0)
		left = 0;
	return (struct timespec){left / 1000, left % 1000 * 1000000L};
}
