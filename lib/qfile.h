/* qfile: the format of a queue file.
 *
 *	 0  8  "quoin-2\n" ("quoin-1\n", which has no E R N O S, is read as well)
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
 *	S "1"			 (the same: the client may relay, so this is a submission)
 *	F sender		 (once; empty for a bounce)
 *	E envelope id of the sender, xtext as it came (RFC 3461 4.4; at most once)
 *	R "F" or "H": what a report of failure returns (RFC 3461 4.3; at most once)
 *	T recipient		 (1 to LIMIT_RECIPIENTS, after F), and behind each
 *	N NOTIFY of that recipient: "N", or letters of "SFD", each once (RFC 3461 4.1)
 *	O ORCPT of that recipient: type ";" xtext as it came (RFC 3461 4.2)
 *
 * E and R stand between F and the first T; N and O behind their T, N first, each at
 * most once. Any other letter is an error today; a new one needs a new format number.
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

/* What is to be told of a recipient: NOTIFY, a set; 0: not said. */
enum { NOTIFY_NEVER = 1, NOTIFY_SUCCESS = 2, NOTIFY_FAILURE = 4, NOTIFY_DELAY = 8 };

/* The fields of an envelope, in memory. Strings point into env; a missing one is NULL. */
struct envelope {
	const char *uid; /* never in what a client sends */
	const char *client;
	const char *login;
	const char *relayed; /* S */
	const char *sender;
	const char *envid;
	const char *ret;
	const char *rcpts; /* for envelope_rcpt() */
	const char *end;   /* of the envelope */
	size_t nrcpts;
};

struct envelope_rcpt {
	const char *address;
	unsigned notify;   /* NOTIFY_... */
	const char *orcpt; /* or NULL */
};

/* Read all of env (n bytes). 0, or -1 with EBADMSG. */
int envelope_parse(struct envelope *e, const char *env, size_t n);

/* The recipient at `at`, e->rcpts for the first; the place of the next one, or e->end.
 * Not called more than e->nrcpts times. */
const char *envelope_rcpt(const struct envelope *e, const char *at,
			  struct envelope_rcpt *r);

/* A mail that somebody here, or who may relay, has submitted; not one from strangers. */
int envelope_is_submitted(const struct envelope *e);

/* NOTIFY as its field's value, and back: -1 when it is none. */
int notify_parse(const char *value, unsigned *notify);
const char *notify_text(unsigned notify, char out[4]);

#endif
