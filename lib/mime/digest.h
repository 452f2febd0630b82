/* digest: what is kept of a message in the cache: finished answers, and keys to sort by.
 *
 *	digest_make(&out, &m)			after mime_end(): appended to out
 *	digest_get(p, n, DIGEST_ENVELOPE, &q, &len)
 *
 * ENVELOPE, BODYSTRUCTURE and BODY are the finished texts of IMAP (RFC 9051 7.5.2; RFC 3501's where
 * they differ is the same text), parentheses included: strings are quoted if they are short and
 * ASCII, else literals with the bytes as they are, which every client may get (UTF-8 in quotes only some);
 * never a NUL, CR or LF (they are dropped).
 * The others are field bodies, unfolded, still encoded (words.h); several fields of a name are joined by
 * ", " for addresses, else the first counts.
 * A digest begins with its version: digest_get() of another version, or of damaged bytes, is a miss.
 */
#ifndef QUOIN_MIME_DIGEST_H
#define QUOIN_MIME_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "mime/parse.h"

enum digest_what {
	DIGEST_ENVELOPE,
	DIGEST_BODYSTRUCTURE,
	DIGEST_BODY,
	DIGEST_SUBJECT,
	DIGEST_FROM,
	DIGEST_TO,
	DIGEST_CC,
	DIGEST_BCC,
	DIGEST_MESSAGEID,
	DIGEST_INREPLYTO,
	DIGEST_REFERENCES,
	DIGEST_NUMBERS, /* struct digest_numbers */
	DIGEST_PARTS    /* digest_parts() */
};

enum { DIGEST_PARTS_MAX = 100 }; /* more are not kept */

struct digest_numbers {
	int64_t sent; /* Date, seconds, or INT64_MIN */
	uint64_t size, wire, bare;
	uint32_t parts; /* 0: too many to keep, parse again */
	uint32_t has_nul;
};

__attribute__((warn_unused_result)) int digest_make(struct sbuf *out,
						    const struct mime *m);

/* 1, or 0: not there. A field that the message lacks has length 0. */
int digest_get(const char *p, size_t n, enum digest_what what, const char **q,
	       size_t *len);
int digest_numbers(const char *p, size_t n, struct digest_numbers *out);

/* The parts into an array, for section_find(); their number, 0: not kept, or damaged. charset is 0. */
size_t digest_parts(const char *p, size_t n, struct mime_part out[DIGEST_PARTS_MAX]);

#endif
