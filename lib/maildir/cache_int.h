/* cache_int: the format of quoin-cache, between the files of cache.h.
 *
 *	head	"QUOINCA1", generation, mean length of a record when it was written anew, check
 *	record	magic, bytes, uid, hash of the base name, sum of the bytes, check; the bytes
 *		and 0 to 7 NULs
 *
 * Numbers are those of the machine: a file of another one is garbage, thus made anew. check
 * is over the fields before it, mixed with the generation. A record is appended by one
 * write() with O_APPEND; one that a full disk or a reader in the middle of that write cuts
 * off is incomplete, all other misfits are junk and the file is written anew.
 * struct msg.cache: offset << 20 | length of the whole record / 8.
 */
#ifndef QUOIN_MAILDIR_CACHE_INT_H
#define QUOIN_MAILDIR_CACHE_INT_H

#include <stddef.h>
#include <stdint.h>

#include "maildir/cache.h"
#include "sbuf.h"

#define CACHE_NAME "quoin-cache"
#define CACHE_NEW  "quoin-cache.new"

enum {
	CACHE_PIECE = 262144, /* bytes of a read ahead, a write, a look at new records */
	CACHE_STALE = 60,     /* seconds until a CACHE_NEW is nobody's */
	CACHE_MEAN = 1200,    /* bytes of a record, until we know better */
	CACHE_SMALL = 1048576 /* a file that is not worth the work */
};

struct cache_head {
	char magic[8];
	uint64_t generation;
	uint64_t mean;
	uint64_t check;
};

struct cache_record {
	uint32_t magic;
	uint32_t n;
	uint32_t uid;
	uint32_t hash;
	uint64_t sum;
	uint64_t check;
};

struct cache {
	struct box *box;
	int fd;  /* -1: no file */
	int off; /* no cache in this session any more */
	int junk;
	int wrote;
	uint64_t mean;
	struct sbuf wait;          /* records to be written */
	uint32_t wait_lo, wait_hi; /* their uids lie between */
	struct sbuf ahead;         /* what was read */
	uint64_t ahead_at;
	size_t last; /* the ordinal asked for last */
};

/* 64 bits of n bytes: finds accidents; no proof against somebody who writes the file. */
uint64_t cache_sum(uint64_t seed, const void *p, size_t n);

/* The bytes of a whole record. */
size_t cache_length(size_t n);
uint64_t cache_place(uint64_t at, size_t length);
void cache_unplace(uint64_t place, uint64_t *at, size_t *length);

void cache_head_make(struct cache_head *h, uint64_t generation, uint64_t mean);
/* Append to out. */
__attribute__((warn_unused_result)) int cache_record_make(struct sbuf *out,
							  uint64_t generation,
							  uint32_t uid, uint32_t hash,
							  const char *p, size_t n);
/* Is it the whole record of this message? */
int cache_record_is(const char *p, size_t n, uint64_t generation, uint32_t uid,
		    uint32_t hash);

/* Open what is there under the name (again), and learn what the box does not know. */
void cache_load(struct cache *c);
/* Of records from box.cache_seen to end: where they are goes into struct msg.cache. An
 * incomplete one is where it stops. */
void cache_learn(struct cache *c, uint64_t end);
/* The same with bytes that lie at cache_seen; the bytes used. */
size_t cache_learn_bytes(struct cache *c, const char *p, size_t n);

/* cache_get() of what is in the file; more: what comes behind it will be asked for. */
struct msg;
int cache_read(struct cache *c, const struct msg *m, int more, const char **p, size_t *n);

/* Write the file anew from what is good in it, or make it. 0, or -1: as it was. */
__attribute__((warn_unused_result)) int cache_rewrite(struct cache *c);
/* Is more than half of it dead? */
int cache_is_dead(struct cache *c);

#endif
