/* What the keeper has ordered is on the disk: journals that were written at his wish are
 * synced by a thread, and their names with them. He has his answer before that; a power
 * cut in the same moment may undo it. */
#include "sched.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prog.h"

struct noted {
	struct noted *next;
	char id[QID_LEN + 1];
};

static struct {
	struct work work;
	struct syncer *syncer;
	int state;
	struct noted *now;  /* the thread's */
	struct noted *next; /* for the thread after this one */
} noted;

static int sync_one(const char *id)
{
	int fd = openat(noted.state, id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int done;

	if (fd == -1) /* its message has ended */
		return errno == ENOENT ? 0 : -1;
	done = fdatasync(fd);
	(void)close(fd);
	return done;
}

static int sync_all(struct work *w, unsigned thread)
{
	int done = 0;

	(void)w;
	(void)thread;
	for (const struct noted *n = noted.now; n != NULL; n = n->next)
		done |= sync_one(n->id);
	return fsync(noted.state) == -1 ? -1 : done;
}

static void begin(void);

static void finish(struct work *w)
{
	if (w->error != 0) {
		errno = w->error;
		warn_sys("sync what the keeper has ordered");
	}
	while (noted.now != NULL) {
		struct noted *n = noted.now;

		noted.now = n->next;
		free(n);
	}
	begin();
}

static void begin(void)
{
	if (noted.now != NULL || noted.next == NULL)
		return;
	noted.now = noted.next;
	noted.next = NULL;
	noted.work = (struct work){.run = sync_all, .done = finish};
	syncer_add(noted.syncer, &noted.work);
}

void noted_sync(struct sched *q, const char *id)
{
	struct noted *n = malloc(sizeof *n);

	if (n == NULL) {
		warn_sys("sync what the keeper has ordered");
		return;
	}
	memcpy(n->id, id, sizeof n->id);
	n->next = noted.next;
	noted.next = n;
	noted.state = q->state;
	noted.syncer = &q->syncer;
	begin();
}
