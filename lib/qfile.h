/* qfile: the format of a queue file.
 *
 *	 0  8  "quoin-1\n"
 *	 8  4  E, length of the envelope		(integers big-endian)
 *	12  4  zero
 *	16  8  M, length of the message
 *	24 16  checksum (sum.h) of the message
 *	40 16  checksum of bytes 0..39 and the envelope
 *	56  E  envelope
 *	56+E M message, LF line ends; the file ends here
 *
 * Every byte is under a checksum. The envelope is a row of fields, each a letter,
 * a value without NUL, and a NUL:
 *
 *	U uid of the submitter (decimal; written by qqueue, first, once)
 *	C client address	 (claimed by a trusted submitter, at most once)
 *	L login			 (the same)
 *	F sender		 (once; empty for a bounce)
 *	T recipient		 (1 to LIMIT_RECIPIENTS, after F)
 *
 * Any other letter is an error today; a new one needs a new format number.
 * Envelope bytes 1..31 and 127 are refused (no address or login has them).
 */
#ifndef QUOIN_QFILE_H
#define QUOIN_QFILE_H

#include <stddef.h>
#include <stdint.h>

#include "sum.h"

enum { QFILE_HEAD = 56 };

struct qfile_head {
	uint32_t env_len;
	uint64_t msg_len;
	uint8_t msg_sum[SUM_LEN];
};

/* The 56 bytes for a finished envelope. */
void qfile_pack(char out[QFILE_HEAD], const struct qfile_head *h, const char *env);

/* Check and read the head. -1 with EBADMSG. The head's own checksum needs the
 * envelope: qfile_check(). */
int qfile_unpack(const char in[QFILE_HEAD], struct qfile_head *h);

/* The head's checksum over head and envelope (h->env_len bytes): 0, or EBADMSG. */
int qfile_check(const char in[QFILE_HEAD], const char *env);

/* Where the message begins. */
uint64_t qfile_msg_offset(const struct qfile_head *h);

/* The fields of an envelope, in memory. Strings point into env. */
struct envelope {
	const char *uid;    /* NULL in what a client sends */
	const char *client; /* NULL if none */
	const char *login;  /* NULL if none */
	const char *sender;
	const char *rcpts; /* first recipient; the next follows its NUL and a 'T' */
	size_t nrcpts;
};

/* Read all of env (n bytes). 0, or -1 with EBADMSG. */
int envelope_parse(struct envelope *e, const char *env, size_t n);

/* The recipient behind r. */
const char *envelope_next(const char *r);

#endif
