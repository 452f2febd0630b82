#include "retry.h"

static const uint64_t pause_max = UINT32_MAX / 4;

int64_t clocks_tick(struct clocks *c, uint64_t wall_ns, int64_t mono_ms)
{
	int64_t offset = (int64_t)(wall_ns / 1000000) - mono_ms;
	int64_t moved = c->started ? offset - c->offset : 0;

	c->started = 1;
	c->offset = offset;
	c->wall = wall_ns / 1000000000;
	c->mono_ms = mono_ms;
	c->mono = (uint32_t)(mono_ms / 1000);
	if (moved > -RETRY_STEP_MS && moved < RETRY_STEP_MS)
		return 0;
	c->step = c->mono;
	return moved / 1000;
}

uint64_t retry_age(uint64_t birth, const struct clocks *c)
{
	return c->wall > birth ? c->wall - birth : 0;
}

static uint64_t root(uint64_t n)
{
	uint64_t r = 0;

	for (uint64_t bit = UINT64_C(1) << 31; bit > 0; bit >>= 1)
		if ((r + bit) * (r + bit) <= n)
			r += bit;
	return r;
}

static uint32_t until(uint64_t age, uint64_t n)
{
	uint64_t pause = n * n - age;

	return (uint32_t)(pause > pause_max ? pause_max : pause);
}

uint32_t retry_pause(uint64_t age, unsigned skip)
{
	return until(age, root(age) + skip);
}

uint32_t retry_resume(uint64_t age, unsigned skip)
{
	return until(age, (root(age) / skip + 1) * skip);
}

static int counted_since_step(const struct entry *e, const struct clocks *c)
{
	return e->tries > 0 && e->first >= c->step;
}

int retry_expires(const struct entry *e, uint64_t birth, uint64_t lifetime,
		  const struct clocks *c)
{
	if (retry_age(birth, c) <= lifetime)
		return 0;
	if (c->mono - e->seen >= lifetime)
		return 1;
	return (e->flags & ENTRY_FOUND) && counted_since_step(e, c) &&
	       e->tries + 1 >= RETRY_LAST_TRIES && c->mono - e->first >= RETRY_LAST_SPAN;
}

void retry_later(struct entry *e, uint64_t birth, uint64_t lifetime, unsigned skip,
		 int counts, const struct clocks *c)
{
	uint64_t age = retry_age(birth, c);
	uint32_t pause = retry_pause(age, skip);

	if (!counted_since_step(e, c))
		e->tries = 0;
	if (counts) {
		if (e->tries == 0)
			e->first = c->mono;
		if (e->tries < UINT8_MAX)
			e->tries++;
	}
	/* At the end of its life it is not left alone past the moment to say so. */
	if (age > lifetime && pause > RETRY_LAST_PAUSE)
		pause = RETRY_LAST_PAUSE;
	else if (age <= lifetime && pause > lifetime - age + 1)
		pause = (uint32_t)(lifetime - age + 1);
	e->due = c->mono + pause;
}
