/* section: which bytes of a message BODY[…] and BINARY[…] mean (RFC 9051 6.4.5.1).
 *
 *	"" the message; HEADER, TEXT; "1.2"; "1.2.MIME", "1.2.HEADER", "1.2.TEXT" (of a message inside).
 * "1" of a message that is no multipart is its body.
 * section_find(): 1 and the range, or 0: the message has no such part (answered as empty).
 * Pure functions over parse.h's parts.
 */
#ifndef QUOIN_MIME_SECTION_H
#define QUOIN_MIME_SECTION_H

#include <stddef.h>
#include <stdint.h>

#include "mime/parse.h"

enum { SECTION_LEVELS = 100 };
enum section_kind { SECTION_ALL, SECTION_HEADER, SECTION_TEXT, SECTION_MIME };

struct section {
	size_t levels;
	uint32_t path[SECTION_LEVELS]; /* from 1 */
	enum section_kind kind;
};

struct section_range {
	uint64_t start, end; /* on disk */
	uint64_t wire;       /* its length in CRLF form */
	const struct mime_part *part;
};

int section_find(const struct mime_part *part, size_t n, const struct section *s,
		 struct section_range *out);

/* HEADER.FIELDS (not: HEADER.FIELDS.NOT): the fields of the header p that are named, as
 * they lie there but with CRLF line ends, and the empty line; appended to out. names: nnames
 * NUL-ended strings, any case. */
struct sbuf;
__attribute__((warn_unused_result)) int section_fields(struct sbuf *out, const char *p,
						       size_t n, const char *const *names,
						       size_t nnames, int not );

/* Bytes of the disk to bytes of the wire: each LF that no CR stands before becomes CRLF. in_cr:
 * state between two pieces, 0 at the start. out has room for 2 * n, and its bytes behind those that are
 * returned may have changed. Returns the length. */
size_t wire_crlf(char *out, const char *p, size_t n, int *in_cr);

#endif
