/* frame: finds the parts of submissions in a client's stream of bytes (the protocol
 * is in ARCHITECTURE.md, "Submission"). No I/O, no memory of its own.
 *
 * Errors: -1 with EBADMSG (no netstring) or EMSGSIZE (an envelope or chunk over its
 *         limit); the stream is lost then.
 */
#ifndef QQUEUE_FRAME_H
#define QQUEUE_FRAME_H

#include <stddef.h>

#include "netstr.h"

enum frame_event {
	FRAME_MORE,           /* all bytes are taken */
	FRAME_ENVELOPE_BYTES, /* some of the envelope: *bytes, *len */
	FRAME_ENVELOPE,       /* the envelope is whole */
	FRAME_BYTES,          /* some of the message: *bytes, *len */
	FRAME_END,            /* the message is whole; a new submission may follow */
};

struct frame {
	struct netstr in;
	int in_message;
	int filled; /* the netstring under way has had content */
};

void frame_init(struct frame *f);

/* As netstr_next(): takes from the *n bytes at *p. */
__attribute__((warn_unused_result)) int
frame_next(struct frame *f, const char **p, size_t *n, const char **bytes, size_t *len);

/* No byte of a submission has come yet. */
int frame_is_fresh(const struct frame *f);

#endif
