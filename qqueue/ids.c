#include "ids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "clock.h"
#include "num.h"
#include "rnd.h"

/* The mark in the file: decimal digits with leading zeros and a line feed. */
enum { DIGITS = 20, MARK_LEN = DIGITS + 1 };

static const uint64_t second = 1000000000;

/* How far the mark is ahead: by the clock's time, or a little when the clock was set
 * back and ids follow each other by one. */
static const uint64_t far_ahead = 60 * second, near_ahead = 1000000;

static int read_mark(struct ids *ids)
{
	char buf[MARK_LEN + 1];
	ssize_t n = pread(ids->fd, buf, sizeof buf, 0);

	if (n == -1)
		return -1;
	ids->mark = 0;
	if (n == 0)
		return 0;
	if (n != MARK_LEN || buf[DIGITS] != '\n' ||
	    num_parse_n(buf, DIGITS, UINT64_MAX / 2, &ids->mark) == -1)
		ids->garbled = 1;
	return 0;
}

int ids_open(struct ids *ids, const char *path)
{
	*ids = (struct ids){.fd = -1};
	ids->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (ids->fd == -1 || flock(ids->fd, LOCK_EX | LOCK_NB) == -1 ||
	    read_mark(ids) == -1)
		return -1;
	ids->last = ids->mark;
	return 0;
}

static int write_mark(struct ids *ids, uint64_t mark)
{
	char buf[MARK_LEN + 1];
	ssize_t w;

	(void)snprintf(buf, sizeof buf, "%020llu\n", (unsigned long long)mark);
	w = pwrite(ids->fd, buf, MARK_LEN, 0);
	if (w == -1)
		return -1;
	if (w != MARK_LEN) {
		errno = ENOSPC;
		return -1;
	}
	ids->mark = mark;
	return 0;
}

static struct ids *of_sync(struct work *w)
{
	return (struct ids *)((char *)w - offsetof(struct ids, sync));
}

static int sync_run(struct work *w, unsigned thread)
{
	(void)thread;
	return fdatasync(of_sync(w)->fd);
}

/* A failed sync is tried again with the next mark. */
static void sync_done(struct work *w)
{
	of_sync(w)->syncing = 0;
}

static int renew(struct ids *ids, struct syncer *syncer, uint64_t mark)
{
	if (write_mark(ids, mark) == -1)
		return -1;
	if (!ids->syncing) {
		ids->syncing = 1;
		ids->sync = (struct work){.run = sync_run, .done = sync_done};
		syncer_add(syncer, &ids->sync);
	}
	return 0;
}

/* A call of the kernel for many ids. */
static uint32_t next_random(struct ids *ids)
{
	if (ids->nrandom == 0) {
		rnd_bytes(ids->random, sizeof ids->random);
		ids->nrandom = IDS_RANDOM;
	}
	return ids->random[--ids->nrandom];
}

int ids_next(struct ids *ids, struct syncer *syncer, char id[QID_LEN + 1])
{
	uint64_t now = clock_wall_ns();
	uint64_t ns = now > ids->last ? now : ids->last + 1;
	uint64_t ahead = now == ns ? far_ahead : near_ahead;

	/* Half of the way is left for the sync; over the mark there is no way. */
	if (ns + ahead / 2 >= ids->mark && renew(ids, syncer, ns + ahead) == -1 &&
	    ns >= ids->mark)
		return -1;
	ids->last = ns;
	qid_make(id, ns, next_random(ids));
	return 0;
}

void ids_close(struct ids *ids)
{
	if (ids->last < ids->mark && write_mark(ids, ids->last + 1) == 0)
		(void)fdatasync(ids->fd);
}
