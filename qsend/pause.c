/* Which channels the keeper has paused, over a restart as well: the text of
 * queue/lock, "paused local remote\n" or less of it, nothing when all goes on. The file
 * stays open for its lock; a thread writes and syncs it. What it does not know it
 * reads as not paused. */
#include "sched.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "prog.h"

enum { TEXT_MAX = 64 };

static struct {
	struct work work;
	struct sched *q;
	int running;
	int again; /* changed while the thread was at it */
	char text[TEXT_MAX];
} saving;

static void make_text(const struct sched *q, char text[TEXT_MAX])
{
	const struct channel *l = &q->ch[ROUTE_LOCAL];
	const struct channel *r = &q->ch[ROUTE_REMOTE];

	*text = '\0';
	if (l->paused || r->paused)
		(void)snprintf(text, TEXT_MAX, "paused%s%s\n", l->paused ? " local" : "",
			       r->paused ? " remote" : "");
}

static int write_text(struct work *w, unsigned thread)
{
	size_t n = strlen(saving.text);

	(void)w;
	(void)thread;
	errno = ENOSPC; /* what a short write means */
	if (pwrite(saving.q->lock, saving.text, n, 0) != (ssize_t)n ||
	    ftruncate(saving.q->lock, (off_t)n) == -1)
		return -1;
	return fdatasync(saving.q->lock);
}

static void begin(void);

static void saved(struct work *w)
{
	if (w->error != 0) {
		errno = w->error;
		warn_sys("remember in queue/lock what is paused");
	}
	saving.running = 0;
	if (saving.again)
		begin();
}

static void begin(void)
{
	saving.again = saving.running;
	if (saving.running)
		return;
	saving.running = 1;
	make_text(saving.q, saving.text);
	saving.work = (struct work){.run = write_text, .done = saved};
	syncer_add(&saving.q->syncer, &saving.work);
}

void pause_set(struct sched *q, int channel, int paused)
{
	if (q->ch[channel].paused == paused)
		return;
	q->ch[channel].paused = paused;
	saving.q = q;
	begin();
}

void pause_read(struct sched *q)
{
	char text[TEXT_MAX];
	ssize_t n = pread(q->lock, text, sizeof text - 1, 0);

	if (n == -1)
		die_sys(EXIT_TEMP, "read queue/lock");
	text[n] = '\0';
	if (strncmp(text, "paused", 6) != 0 || strchr(text, '\n') == NULL)
		return;
	q->ch[ROUTE_LOCAL].paused = strstr(text, " local") != NULL;
	q->ch[ROUTE_REMOTE].paused = strstr(text, " remote") != NULL;
	for (int i = 0; i < CHANNELS; i++)
		if (q->ch[i].paused)
			warn_msg("%s deliveries are paused, as before the restart",
				 q->ch[i].name);
}
