#include "maildir/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/box.h"
#include "maildir/cache_int.h"

enum { NEAR = 64 }; /* ordinals: the next one asked for will be ahead too */

/* No room, no right to write, no sense in it: the file goes, the next session may begin
 * anew. */
static void give_up(struct cache *c)
{
	if (c->fd != -1) {
		(void)unlinkat(c->box->dir, CACHE_NAME, 0);
		(void)close(c->fd);
	}
	c->fd = -1;
	c->off = 1;
}

static void mend(struct cache *c)
{
	if (c->junk && cache_rewrite(c) == -1)
		give_up(c);
}

struct cache *cache_open(struct box *b)
{
	struct cache *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->box = b;
	c->fd = -1;
	c->last = SIZE_MAX;
	sbuf_init(&c->wait, 2 * (size_t)CACHE_PIECE + cache_length(CACHE_RECORD));
	sbuf_init(&c->ahead, 2 * (size_t)CACHE_PIECE + cache_length(CACHE_RECORD));
	cache_load(c);
	mend(c);
	return c;
}

void cache_close(struct cache *c)
{
	if (c == NULL)
		return;
	cache_flush(c);
	if (!c->off && cache_is_dead(c) && cache_rewrite(c) == -1)
		c->off = 1; /* another one does it, or there is no room */
	if (c->fd != -1)
		(void)close(c->fd);
	sbuf_free(&c->wait);
	sbuf_free(&c->ahead);
	free(c);
}

/* ---- reading ---- */

static const char *in_ahead(const struct cache *c, uint64_t at, size_t n)
{
	if (at < c->ahead_at || at - c->ahead_at > c->ahead.len ||
	    n > c->ahead.len - (at - c->ahead_at))
		return NULL;
	return c->ahead.p + (at - c->ahead_at);
}

static const char *read_at(struct cache *c, uint64_t at, size_t n, int more)
{
	size_t want = more && n < CACHE_PIECE ? CACHE_PIECE : n;
	ssize_t got;

	c->ahead.len = 0;
	if (sbuf_reserve(&c->ahead, want) == -1)
		return NULL;
	got = pread(c->fd, c->ahead.p, want, (off_t)at);
	if (got == -1 || (size_t)got < n)
		return NULL;
	c->ahead.len = (size_t)got;
	c->ahead_at = at;
	return c->ahead.p;
}

int cache_read(struct cache *c, const struct msg *m, int more, const char **p, size_t *n)
{
	struct cache_record r;
	const char *record;
	uint64_t at;
	size_t length;

	cache_unplace(m->cache, &at, &length);
	if (c->fd == -1 || length < sizeof r || length > cache_length(CACHE_RECORD))
		return 0;
	record = in_ahead(c, at, length);
	if (record == NULL)
		record = read_at(c, at, length, more);
	if (record == NULL ||
	    !cache_record_is(record, length, c->box->generation, m->uid, m->hash))
		return 0;
	memcpy(&r, record, sizeof r);
	*p = record + sizeof r;
	*n = r.n;
	return 1;
}

int cache_get(struct cache *c, size_t i, const char **p, size_t *n)
{
	const struct msg *m;
	int ascending;

	if (c == NULL || c->off || (m = box_at(c->box, i)) == NULL)
		return 0;
	if (c->wait.len > 0 && m->uid >= c->wait_lo && m->uid <= c->wait_hi) {
		cache_flush(c);
		m = box_at(c->box, i);
	}
	ascending = i > c->last && i - c->last < NEAR;
	c->last = i;
	return m != NULL && m->cache != 0 && cache_read(c, m, ascending, p, n);
}

/* ---- writing ---- */

/* A file that we can append to. Another session may have put a new one in its place, or
 * somebody deleted it. */
static int have_file(struct cache *c)
{
	struct stat st;

	if (c->fd == -1 || fstat(c->fd, &st) == -1 || st.st_nlink == 0)
		cache_load(c);
	if (c->fd == -1 && cache_rewrite(c) == -1) {
		c->off = errno != EEXIST; /* another session makes it now */
		return 0;
	}
	mend(c);
	return c->fd != -1 && !c->off;
}

/* A write with O_APPEND is whole: so is all that lies before ours, or it is junk. */
static void append(struct cache *c)
{
	ssize_t n = write(c->fd, c->wait.p, c->wait.len);
	off_t end = lseek(c->fd, 0, SEEK_CUR);
	uint64_t at;

	if (n != (ssize_t)c->wait.len || end < n) {
		give_up(c);
		return;
	}
	c->wrote = 1;
	at = (uint64_t)end - c->wait.len;
	cache_learn(c, at);
	if (c->box->cache_seen == at)
		(void)cache_learn_bytes(c, c->wait.p, c->wait.len);
	else
		c->junk = 1;
	mend(c);
}

/* Records carry the file's generation: those that waited for another one are of no use. */
void cache_flush(struct cache *c)
{
	uint64_t generation;

	if (c == NULL || c->wait.len == 0)
		return;
	generation = c->box->generation;
	if (!c->off && have_file(c) && c->box->generation == generation)
		append(c);
	c->wait.len = 0;
}

void cache_put(struct cache *c, size_t i, const char *p, size_t n)
{
	const struct msg *m;

	if (c == NULL || c->off || n > CACHE_RECORD)
		return;
	if (c->fd == -1 && !have_file(c))
		return;
	m = box_at(c->box, i);
	if (m == NULL ||
	    cache_record_make(&c->wait, c->box->generation, m->uid, m->hash, p, n) == -1)
		return;
	if (c->wait.len == cache_length(n) || m->uid < c->wait_lo)
		c->wait_lo = m->uid;
	if (c->wait.len == cache_length(n) || m->uid > c->wait_hi)
		c->wait_hi = m->uid;
	if (c->wait.len >= CACHE_PIECE)
		cache_flush(c);
}
