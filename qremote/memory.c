#include "memory.h"

#include <string.h>

#include "rnd.h"

static struct memory_entry *find(struct memory *m, const uint8_t *addr)
{
	for (size_t i = 0; i < m->n; i++)
		if (memcmp(m->entry[i].addr, addr, REMOTEJOB_ADDR) == 0)
			return &m->entry[i];
	return NULL;
}

static struct memory_entry *oldest(struct memory *m)
{
	struct memory_entry *best = &m->entry[0];

	for (size_t i = 1; i < m->n; i++)
		if (m->entry[i].failed < best->failed)
			best = &m->entry[i];
	return best;
}

static void learn(struct memory *m, const uint8_t *addr, int64_t now)
{
	struct memory_entry *e = m->n < MEMORY_SIZE ? &m->entry[m->n++] : oldest(m);

	memcpy(e->addr, addr, REMOTEJOB_ADDR);
	e->failed = now;
	e->until = 0;
}

static void forget(struct memory *m, struct memory_entry *e)
{
	*e = m->entry[--m->n];
}

static void failed(struct memory *m, const uint8_t *addr, char reach, int64_t now)
{
	struct memory_entry *e = find(m, addr);
	uint32_t rest = reach == REACH_TIMEOUT ? MEMORY_TIMEOUT : MEMORY_REFUSED;

	if (e == NULL) {
		learn(m, addr, now);
		return;
	}
	if (now - e->failed < MEMORY_GAP)
		return;
	e->failed = now;
	e->until = now + rest + rnd_below(rest / 2);
}

void memory_note(struct memory *m, const struct remotejob_tried *tried, int64_t now)
{
	for (size_t i = 0; i < tried->count; i++) {
		const uint8_t *addr = tried->at[i].addr;
		struct memory_entry *e = find(m, addr);

		if (tried->at[i].reach != REACH_CONNECTED)
			failed(m, addr, tried->at[i].reach, now);
		else if (e != NULL)
			forget(m, e);
	}
}

struct remotejob_dead memory_dead(struct memory *m, int64_t now)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		if (m->entry[i].until > now)
			memcpy(m->addrs + n++ * REMOTEJOB_ADDR, m->entry[i].addr,
			       REMOTEJOB_ADDR);
	return (struct remotejob_dead){n, m->addrs};
}
