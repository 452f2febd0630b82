/* send: a message on its way to the client (RFC 1939 3).
 *
 * Each LF without a CR before it becomes CR LF, and so does the end of a last line that
 * has none; a dot at the beginning of a line becomes two.
 * Owner:  the caller, of everything.
 */
#ifndef QPOP3D_SEND_H
#define QPOP3D_SEND_H

#include <stddef.h>
#include <stdint.h>

struct obuf;

struct wire {
	struct obuf *out;
	char last;    /* byte that went out */
	size_t line;  /* bytes of this line that went out */
	int open_end; /* the last line got its end from us */
	int in_body;
	int64_t lines;  /* of the body that may still be sent; -1: all */
	uint64_t bytes; /* that went out, without the dots that were doubled */
};

/* lines: of the body, for TOP; -1: all. */
void wire_begin(struct wire *w, struct obuf *out, int64_t lines);

/* The next bytes: 1, 0 when what is wanted has been sent (TOP), -1 the client is lost. */
int wire_put(struct wire *w, const char *p, size_t n);

/* The last line's end, and the dot. */
__attribute__((warn_unused_result)) int wire_end(struct wire *w);

#endif
