/* spool: bytes kept until qqueue has them, because the door may be shut and they must
 * be sent again: in memory up to SPOOL_MEMORY, beyond that in an unlinked temporary
 * file of $TMPDIR or /tmp.
 *
 * Owner:  whoever declared it; spool_clear() to reuse, spool_free() to be rid of it.
 * Errors: -1 and a fail() record.
 */
#ifndef QUOIN_SPOOL_H
#define QUOIN_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "sbuf.h"

enum { SPOOL_MEMORY = 1048576 };

struct spool {
	struct sbuf memory;
	int fd; /* -1: all is in memory */
	uint64_t len;
};

void spool_init(struct spool *s);
void spool_clear(struct spool *s);
void spool_free(struct spool *s);

/* At most LIMIT_MESSAGE in all. */
int spool_add(struct spool *s, const void *p, size_t n);

/* All of it to the file, so that fd is the whole. */
int spool_flush(struct spool *s);

/* Everything, in order, as often as wanted: each(arg, p, n) with 0, or -1 to stop.
 * -1: errno is each's, or that of the read. */
int spool_each(struct spool *s, int (*each)(void *arg, const void *p, size_t n),
	       void *arg);

#endif
