/* cache: what was parsed of messages, kept beside them in quoin-cache; may be deleted,
 * damaged or full of garbage at any time.
 *
 * A record belongs to a uid and a base name and holds bytes of the caller's (mime/digest.h).
 * It has a checksum; what does not fit is a miss, never an error. Records are appended in
 * large writes without any sync; when more than half of the file is dead it is written anew
 * and renamed. generation (a random number in the file's head) says whether the offsets in
 * struct msg.cache are still those of this file.
 * Records of other sessions are learned when a file is opened and when ours are written.
 * Owner:  cache_open() never fails: without a file there are misses only. cache_close()
 *	   writes what is waiting; it comes before box_close(), whose index then keeps
 *	   generation, cache_seen and each msg.cache.
 */
#ifndef QUOIN_MAILDIR_CACHE_H
#define QUOIN_MAILDIR_CACHE_H

#include <stddef.h>
#include <stdint.h>

struct box;
struct sbuf;

enum { CACHE_RECORD = 1048576 }; /* bytes of one; larger ones are not kept */

struct cache; /* allocated when first needed */

struct cache *cache_open(struct box *b); /* NULL: no memory; every call takes NULL */
void cache_close(struct cache *c);

/* 1 and the bytes (good until the next call), or 0. Ascending ordinals are read ahead in
 * large pieces. */
int cache_get(struct cache *c, size_t i, const char **p, size_t *n);
void cache_put(struct cache *c, size_t i, const char *p, size_t n);
void cache_flush(struct cache *c);

#endif
