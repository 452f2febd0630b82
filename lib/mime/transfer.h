/* transfer: Content-Transfer-Encoding undone, in pieces of any size.
 *
 *	transfer_begin(&t, MIME_BASE64)
 *	transfer_add(&t, &out, p, n) ... transfer_end(&t, &out)
 *
 * For search: what is not base64 is passed over, as RFC 2045 6.8 says. t.bad says that
 * something was wrong (BINARY then answers UNKNOWN-CTE). 7bit, 8bit and binary are copied.
 * Errors: -1 as sbuf_cat().
 */
#ifndef QUOIN_MIME_TRANSFER_H
#define QUOIN_MIME_TRANSFER_H

#include <stddef.h>
#include <stdint.h>

#include "mime/parse.h"

struct transfer {
	enum mime_encoding how;
	int bad;
	uint32_t bits;
	unsigned nbits;
	char kept[1024]; /* of quoted-printable: blanks that may be the line's end */
	size_t nkept;
};

void transfer_begin(struct transfer *t, enum mime_encoding how);
__attribute__((warn_unused_result)) int transfer_add(struct transfer *t, struct sbuf *out,
						     const char *p, size_t n);
__attribute__((warn_unused_result)) int transfer_end(struct transfer *t,
						     struct sbuf *out);

#endif
