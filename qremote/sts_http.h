/* sts_http: the answer to one GET over HTTPS, read strictly (RFC 9112).
 *
 * Only a 200 with a text/plain body of a known end is good: by Content-Length or in
 * chunks. A body that ends with the connection is not, for then whoever cuts the
 * connection could cut a policy.
 * Bytes:  any.
 * Owner:  the caller; body points into buf, which is changed when the body was in chunks.
 */
#ifndef QREMOTE_STS_HTTP_H
#define QREMOTE_STS_HTTP_H

#include <stddef.h>

enum {
	LIMIT_HTTPHEAD = 16384,
	LIMIT_HTTPBODY = 65536, /* RFC 8461 3.2 leaves it to us; this is the usual one */
	LIMIT_HTTP =
	    LIMIT_HTTPHEAD + 2 * LIMIT_HTTPBODY /* chunks have lines of their own */
};

/* What has come so far: 1 it is whole, 0 there must be more, -1 it is not to be used, and
 * *why (a constant) says why. */
int sts_http(char *buf, size_t n, char **body, size_t *len, const char **why);

#endif
