/* base64: the usual alphabet of RFC 4648 4, as AUTH and HTTP headers use it.
 *
 * Strict in reading: padding is required, no blank or line end, nothing behind the
 * padding, and unused bits are zero, so that a text has one meaning.
 * Errors: -1 with errno; out is untouched or holds a part: EBADMSG (not base64),
 *	   EMSGSIZE (more than size bytes come of it).
 */
#ifndef QUOIN_BASE64_H
#define QUOIN_BASE64_H

#include <stddef.h>

/* Characters that n bytes make, without a NUL. */
#define BASE64_LEN(n) (((n) + 2) / 3 * 4)

/* n characters at p: *len bytes in out. */
int base64_get(const char *p, size_t n, void *out, size_t size, size_t *len);

/* n bytes at p to out, and a NUL: size is at least BASE64_LEN(n) + 1. */
int base64_put(const void *p, size_t n, char *out, size_t size);

#endif
