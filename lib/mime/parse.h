/* parse: the parts of a message, in one pass.
 *
 *	mime_init(&m)				once; reused for the next message
 *	mime_begin(&m)
 *	mime_feed(&m, p, n) ...			pieces of any size; LF or CRLF line ends
 *	mime_end(&m)
 *	... m.part[0 .. m.n), m.digest ...
 *	mime_free(&m)
 *
 * Part 0 is the message itself. A part's children follow in the order of the message;
 * multipart/digest's default is message/rfc822. Linear in bytes, no recursion. Over a cap what comes
 * is part of the body of where we are (an opaque leaf), never an error: depth MIME_DEPTH, parts
 * MIME_PARTS, header bytes that are looked at MIME_HEADER, parameters MIME_PARAMS,
 * addresses in one field MIME_ADDRESSES.
 * Offsets are into the bytes as they lie on disk; wire sizes count each line end as CRLF.
 * Owner:  mime_free(); arrays die with the next mime_begin().
 * Errors: -1 with ENOMEM alone.
 */
#ifndef QUOIN_MIME_PARSE_H
#define QUOIN_MIME_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "sbuf.h"

enum {
	MIME_DEPTH = 100,
	MIME_PARTS = 10000,
	MIME_PARAMS = 1000,
	MIME_ADDRESSES = 10000,
	MIME_HEADER = 10 * 1024 * 1024,
	MIME_BOUNDARY = 255 /* RFC 2046: 70 */
};

enum mime_kind { MIME_LEAF, MIME_MULTIPART, MIME_MESSAGE };
enum mime_encoding {
	MIME_7BIT,
	MIME_8BIT,
	MIME_BINARY,
	MIME_QP,
	MIME_BASE64,
	MIME_UNKNOWN
};

struct mime_part {
	uint32_t parent;  /* part 0: 0 */
	uint32_t child;   /* the first, 0 none. MESSAGE: its one child is the root of the
				   * message inside, whose own kind may be MULTIPART */
	uint32_t next;    /* sibling, 0 none */
	uint8_t kind;     /* enum mime_kind */
	uint8_t encoding; /* enum mime_encoding */
	uint8_t is_text;  /* text/…, or no Content-Type */
	uint8_t zero;
	uint32_t charset;  /* offset in m.text of its name, 0: US-ASCII */
	uint32_t zero_too; /* no byte without a name: the cache keeps parts as they are */
	uint64_t header, body, end; /* [header, body) with the empty line, [body, end) */
	uint64_t header_wire, body_wire; /* the same in CRLF form */
	uint64_t lines;                  /* of the body */
};

struct mime_state; /* parse's own */
struct mime {
	struct mime_part *part;
	size_t n;
	uint64_t size, wire; /* of the whole message */
	uint64_t bare;       /* LFs without CR: 0 means that disk form is wire form */
	int has_nul;
	struct sbuf text;   /* names of charsets, each NUL-ended; text.p[0] is NUL */
	struct sbuf header; /* of part 0, as it lies on disk (up to MIME_HEADER) */
	struct mime_state *state;
};

void mime_init(struct mime *m);
void mime_free(struct mime *m);
__attribute__((warn_unused_result)) int mime_begin(struct mime *m);
__attribute__((warn_unused_result)) int mime_feed(struct mime *m, const char *p,
						  size_t n);
__attribute__((warn_unused_result)) int mime_end(struct mime *m);

/* All of a file (a regular one; from its start). -1 also with what read() said. */
__attribute__((warn_unused_result)) int mime_file(struct mime *m, int fd);

#endif
