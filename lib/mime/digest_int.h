/* digest_int: the texts of IMAP that digest.c keeps; for lib/mime alone.
 *
 * All append to out. Errors: -1 as sbuf_cat(). */
#ifndef QUOIN_MIME_DIGEST_INT_H
#define QUOIN_MIME_DIGEST_INT_H

#include <stddef.h>

#include "mime/mime_head.h"
#include "mime/parse.h"

#define DIGEST_CHECK __attribute__((warn_unused_result))

/* A field's body: without blanks at its ends and without CR, LF and NUL. */
DIGEST_CHECK int digest_unfold(struct sbuf *out, const char *p, size_t n);

/* As a string of IMAP (RFC 9051 4.3), a literal where it is not ASCII; without CR, LF and NUL. */
DIGEST_CHECK int digest_string(struct sbuf *out, const char *p, size_t n);
DIGEST_CHECK int digest_trimmed(struct sbuf *out, const char *p, size_t n);

/* part's first field of that name as a string, or NIL. */
DIGEST_CHECK int digest_field(struct sbuf *out, const struct mime *m, uint32_t part,
			      enum mime_name name);

/* All fields of that name as one list of addresses, or NIL. */
DIGEST_CHECK int digest_addresses(struct sbuf *out, const struct mime *m, uint32_t part,
				  enum mime_name name);

/* Of the message whose root part is (RFC 9051 7.5.2). */
DIGEST_CHECK int digest_envelope(struct sbuf *out, const struct mime *m, uint32_t part);

/* BODYSTRUCTURE to full, BODY to brief. */
DIGEST_CHECK int digest_structure(struct sbuf *full, struct sbuf *brief,
				  const struct mime *m);

#endif
