#include "maildir/cache_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "maildir/box.h"
#include "rnd.h"

/* The new file, while it is written. */
struct rewrite {
	struct cache *c;
	int fd;
	uint64_t generation;
	uint64_t bytes, records;
	struct sbuf out;
};

static int put_out(struct rewrite *w)
{
	ssize_t n = write(w->fd, w->out.p, w->out.len);

	if (n != (ssize_t)w->out.len) {
		if (n != -1)
			errno = ENOSPC;
		return -1;
	}
	w->out.len = 0;
	return 0;
}

static int copy_record(struct rewrite *w, size_t i)
{
	const struct msg *m = box_at(w->c->box, i);
	const char *p;
	size_t n;

	if (m == NULL)
		return -1;
	if ((m->state & MSG_GONE) != 0 || !cache_read(w->c, m, 1, &p, &n))
		return 0;
	if (cache_record_make(&w->out, w->generation, m->uid, m->hash, p, n) == -1)
		return -1;
	w->bytes += cache_length(n);
	w->records++;
	return w->out.len < CACHE_PIECE ? 0 : put_out(w);
}

/* The head comes last: its mean is known then. No O_APPEND yet. */
static int write_all(struct rewrite *w)
{
	struct cache_head h;

	if (lseek(w->fd, sizeof h, SEEK_SET) == -1)
		return -1;
	for (size_t i = 0; w->c->fd != -1 && i < w->c->box->count; i++)
		if (copy_record(w, i) == -1)
			return -1;
	if (put_out(w) == -1)
		return -1;
	cache_head_make(&h, w->generation, w->records > 0 ? w->bytes / w->records : 0);
	return pwrite(w->fd, &h, sizeof h, 0) == (ssize_t)sizeof h ? 0 : -1;
}

/* The clock may have been set back since. */
static int is_left_over(const struct stat *st)
{
	int64_t age = (int64_t)time(NULL) - st->st_mtime;

	return age > CACHE_STALE || age < -CACHE_STALE;
}

/* Who makes it exclusively is the only one who writes anew; what is left of a crash goes. */
static int open_new(int dir)
{
	int fd = openat(dir, CACHE_NEW, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;

	if (fd == -1 && errno == EEXIST &&
	    fstatat(dir, CACHE_NEW, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_left_over(&st))
		(void)unlinkat(dir, CACHE_NEW, 0);
	return fd;
}

int cache_rewrite(struct cache *c)
{
	struct rewrite w = {.c = c, .fd = open_new(c->box->dir)};
	int r;

	if (w.fd == -1)
		return -1;
	sbuf_init(&w.out, 2 * (size_t)CACHE_PIECE + cache_length(CACHE_RECORD));
	do
		rnd_bytes(&w.generation, sizeof w.generation);
	while (w.generation == 0);
	r = write_all(&w);
	if (close(w.fd) == -1)
		r = -1;
	if (r == 0)
		r = renameat(c->box->dir, CACHE_NEW, c->box->dir, CACHE_NAME);
	if (r == -1)
		(void)unlinkat(c->box->dir, CACHE_NEW, 0);
	sbuf_free(&w.out);
	if (r == 0)
		cache_load(c);
	return r;
}

static uint64_t live_bytes(struct box *b)
{
	uint64_t sum = 0, at;
	size_t n;

	for (size_t i = 0; i < b->count; i++) {
		const struct msg *m = box_at(b, i);

		if (m == NULL)
			return UINT64_MAX;
		if (m->cache == 0 || (m->state & MSG_GONE) != 0)
			continue;
		cache_unplace(m->cache, &at, &n);
		sum += n;
	}
	return sum;
}

/* To add up means to look at every message: only if this session wrote, or if there are
 * far fewer messages than the file has room for. What others have written since is learned
 * first, else their records would count as dead. */
int cache_is_dead(struct cache *c)
{
	struct stat st;
	uint64_t size;

	if (c->fd == -1 || fstat(c->fd, &st) == -1 || st.st_size < CACHE_SMALL)
		return 0;
	size = (uint64_t)st.st_size;
	if (!c->wrote && (c->box->count - c->box->gone) * c->mean > size / 2)
		return 0;
	cache_learn(c, size);
	return live_bytes(c->box) < size / 2;
}
