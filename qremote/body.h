/* body: the message of a job on its way to the server: LF becomes CRLF, a dot at the
 * start of a line is doubled (RFC 5321 4.5.2), every byte is under the checksum.
 *
 * Owner: the caller keeps the descriptor; a struct body is large: static storage.
 * A message of one block is read from the file once.
 */
#ifndef QREMOTE_BODY_H
#define QREMOTE_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "sum.h"

struct obuf;

enum { BODY_BLOCK = 65536 };

struct body {
	int fd;
	uint64_t offset, len; /* of the message in the file */
	const uint8_t *sum;
	/* body_scan(): */
	int eight_bit; /* a byte over 127 */
	int bare_cr;
	uint64_t wire; /* its size with CRLFs, for SIZE (RFC 1870) */
	/* the block in memory */
	uint64_t at;
	size_t n;
	char block[BODY_BLOCK];
};

enum body_result {
	BODY_OK,
	BODY_CORRUPT, /* short, or not what was promised: set it aside */
	BODY_DISK,    /* errno: unreadable for now */
	BODY_PEER,    /* errno: the server is lost */
};

void body_init(struct body *b, int fd, uint64_t offset, uint64_t len, const uint8_t *sum);

/* Look at all of it before the server hears of it. */
enum body_result body_scan(struct body *b);

/* Write it, all but the final dot: what stays in w with a result other than BODY_OK is
 * not to be flushed. block_time: ms for each block; deadline for all. */
enum body_result body_send(struct body *b, struct obuf *w, int64_t block_time,
			   int64_t deadline);

#endif
