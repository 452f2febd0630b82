/* hdr822: the header of a message (RFC 5322 2.2, 3.6 and the obsolete forms of 4.5).
 *
 * Works on bytes in memory with LF line ends; nothing is copied. A field is a name
 * (printable ASCII), optional blanks, a colon, and a body that goes on over lines
 * that begin with a blank. The header ends at an empty line, at the first line that
 * is no field, or at the end of the bytes. One pass, no recursion.
 * Owner:  hdr822_free() after a hdr822_parse() that gave 0; the bytes stay the
 *         caller's and must live as long.
 * Errors: 0, or -1 with EMSGSIZE (LIMIT_HEADER, LIMIT_FIELDS) or ENOMEM.
 */
#ifndef QUOIN_HDR822_H
#define QUOIN_HDR822_H

#include <stddef.h>

/* Offsets from hdr822.p. */
struct hdr822_field {
	size_t start;
	size_t name_len;
	size_t body; /* behind the colon */
	size_t end;  /* behind the last LF */
};

struct hdr822 {
	const char *p;
	size_t len; /* bytes of all fields, without the empty line */
	struct hdr822_field *field;
	size_t n;
};

__attribute__((warn_unused_result)) int hdr822_parse(struct hdr822 *h, const char *p,
						     size_t n);
void hdr822_free(struct hdr822 *h);

/* What a line (without its LF) is, seen alone; for readers of streams. */
enum hdr822_line { HDR822_EMPTY, HDR822_FIELD, HDR822_MORE, HDR822_OTHER };
enum hdr822_line hdr822_line(const char *line, size_t n);

/* Is f called name, without regard to case? */
int hdr822_is(const struct hdr822 *h, const struct hdr822_field *f, const char *name);

#endif
