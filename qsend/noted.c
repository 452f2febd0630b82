/* What the keeper has ordered is on the disk: journals that were written at his wish are
 * synced by a thread, and their names with them. He has his answer before that; a power
 * cut in the same moment may undo it. */
#include "sched.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "batch.h"
#include "prog.h"

static int sync_one(int state, const char *id)
{
	int fd = openat(state, id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int done;

	if (fd == -1) /* its message has ended */
		return errno == ENOENT ? 0 : -1;
	done = fdatasync(fd);
	(void)close(fd);
	return done;
}

static int sync_all(const struct sched *q, const struct batch_id *first)
{
	int done = 0;

	for (const struct batch_id *i = first; i != NULL; i = i->next)
		done |= sync_one(q->state, i->id);
	return fsync(q->state) == -1 ? -1 : done;
}

static struct batch orders = {.run = sync_all,
			      .what = "sync what the keeper has ordered"};

void noted_sync(struct sched *q, const char *id)
{
	if (batch_add(&orders, q, id) == -1)
		warn_sys(orders.what);
}
