/* rows: a few bytes of each message, in a file beside them that is read at once; may be
 * deleted, damaged or full of garbage at any time.
 *
 *	rows_read(&r, &box, "quoin-sort", have, arg)	have() for each row of a message in the box
 *	rows_add(&r, i, p, n)				of those that had none
 *	rows_end(&r)					appended, by one write a block
 *
 * A row belongs to a uid and the hash of a base name; the caller judges its bytes. A block has a
 * checksum. Nothing is synced. A file with something else in it, or more dead rows than others,
 * is deleted: the next one who reads begins anew.
 *
 *	block	magic, bytes that follow, their sum
 *	row	uid, hash, length; the bytes
 *
 * Errors: none: without a file there are no rows, without memory or room none are kept. Numbers are
 *	   those of the machine.
 */
#ifndef QUOIN_MAILDIR_ROWS_H
#define QUOIN_MAILDIR_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "sbuf.h"

enum { ROWS_ROW = 4096 /* bytes of one; larger ones are not kept */, ROWS_BLOCK = 65536 };

struct box;

struct rows {
	struct box *box;
	const char *name;
	int fd;              /* -1: no file */
	int junk;            /* it holds what is no row */
	uint64_t live, dead; /* bytes of rows that were read */
	struct sbuf block;   /* what was added */
};

typedef void rows_have(void *arg, size_t i, const char *p, size_t n);

/* Rows mostly come by ascending ordinals. A message may have several: the bytes are the same. */
void rows_read(struct rows *r, struct box *b, const char *name, rows_have *have,
	       void *arg);
void rows_add(struct rows *r, size_t i, const char *p, size_t n);
void rows_end(struct rows *r);

#endif
