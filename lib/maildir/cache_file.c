#include "maildir/cache_int.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/box.h"

static const char head_magic[8] = "QUOINCA1";
static const uint32_t record_magic = 0x52634351;

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15;
	return h ^ h >> 29;
}

/* Four lanes that do not wait for each other. */
uint64_t cache_sum(uint64_t seed, const void *p, size_t n)
{
	uint64_t a = seed, b = ~seed, c = seed ^ n, d = n, w[4];
	const char *at = p;

	for (; n >= sizeof w; at += sizeof w, n -= sizeof w) {
		memcpy(w, at, sizeof w);
		a = mix(a, w[0]);
		b = mix(b, w[1]);
		c = mix(c, w[2]);
		d = mix(d, w[3]);
	}
	memset(w, 0, sizeof w);
	memcpy(w, at, n);
	return mix(mix(mix(mix(a, w[0]), mix(b, w[1])), mix(c, w[2])), mix(d, w[3]));
}

size_t cache_length(size_t n)
{
	return (sizeof(struct cache_record) + n + 7) & ~(size_t)7;
}

uint64_t cache_place(uint64_t at, size_t length)
{
	return at << 20 | length / 8;
}

void cache_unplace(uint64_t place, uint64_t *at, size_t *length)
{
	*at = place >> 20;
	*length = (size_t)(place & 0xfffff) * 8;
}

void cache_head_make(struct cache_head *h, uint64_t generation, uint64_t mean)
{
	memcpy(h->magic, head_magic, sizeof h->magic);
	h->generation = generation;
	h->mean = mean;
	h->check = cache_sum(0, h, offsetof(struct cache_head, check));
}

static int head_is_good(const struct cache_head *h)
{
	return memcmp(h->magic, head_magic, sizeof h->magic) == 0 && h->generation != 0 &&
	       h->check == cache_sum(0, h, offsetof(struct cache_head, check));
}

int cache_record_make(struct sbuf *out, uint64_t generation, uint32_t uid, uint32_t hash,
		      const char *p, size_t n)
{
	static const char pad[8];
	struct cache_record r = {.magic = record_magic,
				 .n = (uint32_t)n,
				 .uid = uid,
				 .hash = hash,
				 .sum = cache_sum(generation, p, n)};

	r.check = cache_sum(generation, &r, offsetof(struct cache_record, check));
	if (sbuf_reserve(out, cache_length(n)) == -1 ||
	    sbuf_cat(out, &r, sizeof r) == -1 || sbuf_cat(out, p, n) == -1)
		return -1;
	return sbuf_cat(out, pad, cache_length(n) - sizeof r - n);
}

static int record_is_good(const struct cache_record *r, uint64_t generation)
{
	return r->magic == record_magic && r->n <= CACHE_RECORD &&
	       r->check == cache_sum(generation, r, offsetof(struct cache_record, check));
}

int cache_record_is(const char *p, size_t n, uint64_t generation, uint32_t uid,
		    uint32_t hash)
{
	struct cache_record r;

	if (n < sizeof r)
		return 0;
	memcpy(&r, p, sizeof r);
	return record_is_good(&r, generation) && cache_length(r.n) == n && r.uid == uid &&
	       r.hash == hash && r.sum == cache_sum(generation, p + sizeof r, r.n);
}

static void learn_record(struct box *b, const struct cache_record *r, uint64_t at)
{
	size_t i = box_find(b, r->uid);
	struct msg *m = i < b->count ? box_at(b, i) : NULL;

	if (m != NULL && m->uid == r->uid && m->hash == r->hash)
		box_learn_cache(b, i, cache_place(at, cache_length(r->n)));
}

size_t cache_learn_bytes(struct cache *c, const char *p, size_t n)
{
	struct box *b = c->box;
	struct cache_record r;
	size_t used = 0;

	while (n - used >= sizeof r) {
		memcpy(&r, p + used, sizeof r);
		if (!record_is_good(&r, b->generation)) {
			c->junk = 1;
			break;
		}
		if (cache_length(r.n) > n - used)
			break;
		learn_record(b, &r, b->cache_seen);
		used += cache_length(r.n);
		b->cache_seen += cache_length(r.n);
	}
	return used;
}

void cache_learn(struct cache *c, uint64_t end)
{
	struct box *b = c->box;
	size_t want = CACHE_PIECE;

	c->ahead.len = 0; /* its buffer serves here too */
	while (!c->junk && b->cache_seen < end) {
		size_t most =
		    end - b->cache_seen < want ? (size_t)(end - b->cache_seen) : want;
		ssize_t n;

		if (sbuf_reserve(&c->ahead, most) == -1)
			return;
		n = pread(c->fd, c->ahead.p, most, (off_t)b->cache_seen);
		if (n <= 0)
			return;
		if (cache_learn_bytes(c, c->ahead.p, (size_t)n) > 0)
			want = CACHE_PIECE;
		else if ((size_t)n == want && want == CACHE_PIECE)
			want = cache_length(CACHE_RECORD);
		else
			return;
	}
}

/* Another file than the index speaks of: nothing of it is known. */
static void forget(struct cache *c, uint64_t generation)
{
	struct box *b = c->box;

	for (size_t i = 0; i < b->count; i++) {
		struct msg *m = box_at(b, i);

		if (m == NULL) {
			c->off = 1;
			return;
		}
		if (m->cache != 0)
			box_learn_cache(b, i, 0);
	}
	b->generation = generation;
	b->cache_seen = sizeof(struct cache_head);
}

void cache_load(struct cache *c)
{
	struct cache_head h;
	struct stat st;

	if (c->fd != -1)
		(void)close(c->fd);
	c->junk = 0;
	c->ahead.len = 0;
	c->mean = CACHE_MEAN;
	c->fd = openat(c->box->dir, CACHE_NAME,
		       O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (c->fd == -1)
		return;
	if (fstat(c->fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    pread(c->fd, &h, sizeof h, 0) != (ssize_t)sizeof h || !head_is_good(&h)) {
		(void)close(c->fd);
		c->fd = -1;
		return;
	}
	c->mean = h.mean > 0 ? h.mean : CACHE_MEAN;
	if (h.generation != c->box->generation ||
	    c->box->cache_seen < sizeof(struct cache_head))
		forget(c, h.generation);
	if (c->box->cache_seen > (uint64_t)st.st_size)
		c->junk = 1; /* cut off */
	cache_learn(c, (uint64_t)st.st_size);
}
