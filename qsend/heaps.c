/* All the heaps in which messages wait. */
#include "sched.h"

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
