#include "batch.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "prog.h"
#include "sched.h"

static struct batch *of_work(struct work *w)
{
	return (struct batch *)((char *)w - offsetof(struct batch, work));
}

static int run(struct work *w, unsigned thread)
{
	const struct batch *b = of_work(w);

	(void)thread;
	return b->run(b->q, b->now);
}

static void begin(struct batch *b);

static void done(struct work *w)
{
	struct batch *b = of_work(w);

	if (w->error != 0) {
		errno = w->error;
		warn_sys(b->what);
	}
	while (b->now != NULL) {
		struct batch_id *i = b->now;

		b->now = i->next;
		free(i);
	}
	begin(b);
}

static void begin(struct batch *b)
{
	if (b->now != NULL || b->next == NULL)
		return;
	b->now = b->next;
	b->next = NULL;
	b->work = (struct work){.run = run, .done = done};
	syncer_add(&b->q->syncer, &b->work);
}

int batch_add(struct batch *b, struct sched *q, const char *id)
{
	struct batch_id *i = malloc(sizeof *i);

	if (i == NULL)
		return -1;
	memcpy(i->id, id, sizeof i->id);
	i->next = b->next;
	b->next = i;
	b->q = q;
	begin(b);
	return 0;
}
