/* drop: the maildrop of one session, as it was at its start (RFC 1939 5).
 *
 * A message's number less one is its ordinal in the box, which never looks at the disk
 * again: what others bring is not seen, what others take stays in the list, and cannot be
 * read. Nothing changes before drop_commit().
 * Owner:  static storage; drop_close().
 * Errors: -1 with errno, temporary.
 */
#ifndef QPOP3D_DROP_H
#define QPOP3D_DROP_H

#include <stddef.h>
#include <stdint.h>

#include "maildir/box.h"

enum { DROP_UIDL = 70 }; /* RFC 1939 7 */

enum {
	DROP_DELETED = 1,
	DROP_READ = 2,
	DROP_MISSING = 4,
	DROP_LOOKED = 8,   /* at its end */
	DROP_OPEN_END = 16 /* its last line has no end; the client gets one */
};

struct drop {
	struct box box;
	uint8_t *mark; /* of each message */
};

int drop_open(struct drop *d, const char *dir);
void drop_close(struct drop *d);

/* Bytes as they will be sent; 0 for one that is gone. What a name says (W=) of a file of
 * that length is believed; where a size was counted, the last line's end is looked at. */
uint32_t drop_size(struct drop *d, size_t i);

/* All of it was sent, so many bytes; with an end for the last line if open_end. */
void drop_sent(struct drop *d, size_t i, uint64_t bytes, int open_end);

/* Its name for ever: what another server called it, or the base of its file's name, or,
 * where that is no word of RFC 1939, a hash of it. */
int drop_uidl(struct drop *d, size_t i, char out[DROP_UIDL + 1]);

/* QUIT: what is marked deleted is gone, durably; what was read is seen. *n: how many went,
 * right also with -1. */
int drop_commit(struct drop *d, size_t *n);

#endif
