/* How many jobs a destination may get, and how fast: window, pace, rests (dests.h). */
#include "dests.h"

#include "job.h"

enum { TENTH = 100, SECOND = 1000, MINUTE = 60000 };

enum dest_can dest_ask(const struct dest *d, int64_t now, int insist)
{
	if (!insist && now < d->dead_until)
		return DEST_PASS;
	if (now < d->next || d->used >= (insist ? d->limit : d->window) ||
	    (!insist && now < d->slow_until))
		return DEST_WAIT;
	return DEST_GO;
}

void dest_take(struct dests *t, struct dest *d, int64_t now)
{
	int64_t step = d->rate > 0 ? MINUTE / (int64_t)d->rate : 0;

	if (step < (int64_t)d->gap * SECOND)
		step = (int64_t)d->gap * SECOND;
	d->used++;
	/* Timers come each tenth of a second: what was late is made good. */
	if (d->next < now - TENTH)
		d->next = now - TENTH;
	if (step > 0)
		d->next = (step > TENTH ? now : d->next) + step;
	dest_touch(t, d, now);
}

void dest_give(struct dests *t, struct dest *d)
{
	d->used--;
	dest_stir(t, d);
}

static unsigned grown(unsigned v, unsigned first, unsigned max)
{
	return v == 0 ? first : v < max / 2 ? 2 * v : max;
}

static enum dest_news slow_down(struct dest *d, int64_t now)
{
	d->window = d->window > 1 ? d->window / 2 : 1;
	d->good = 0;
	d->gap = grown(d->gap, DEST_GAP, DEST_GAP_MAX);
	d->slow = grown(d->slow, DEST_SLOW, DEST_SLOW_MAX);
	d->slow_until = now + (int64_t)d->slow * SECOND;
	d->changed = now;
	return DEST_IS_SLOW;
}

static enum dest_news die(struct dest *d, int64_t now)
{
	d->window = 1;
	d->good = 0;
	d->dead = grown(d->dead, DEST_DEAD, DEST_DEAD_MAX);
	d->dead_until = now + (int64_t)d->dead * SECOND;
	d->changed = now;
	return DEST_IS_DEAD;
}

static void grow(struct dest *d)
{
	if (++d->good < d->window)
		return;
	d->good = 0;
	if (d->window < d->limit)
		d->window++;
	if (d->gap > 0)
		d->gap--;
	d->slow /= 2;
}

static enum dest_news live(struct dest *d)
{
	int was_dead = d->dead > 0;

	d->dead = 0;
	d->dead_until = 0;
	return was_dead ? DEST_IS_BACK : DEST_SAME;
}

enum dest_news dest_tell(struct dest *d, char pace, int good, int64_t began, int64_t now)
{
	int is_fresh = d->changed == 0 || began >= d->changed;
	enum dest_news news;

	switch (pace) {
	case PACE_NO_NETWORK:
		return DEST_SAME;
	case PACE_UNREACHABLE:
		return is_fresh ? die(d, now) : DEST_SAME;
	case PACE_SLOW:
		news = live(d);
		return is_fresh ? slow_down(d, now) : news;
	default:
		if (good)
			grow(d);
		return good ? live(d) : DEST_SAME;
	}
}

void dest_forgive(struct dest *d)
{
	d->slow_until = d->dead_until = 0;
}

int dest_rests(const struct dest *d, int64_t now)
{
	return now < d->slow_until || now < d->dead_until;
}
