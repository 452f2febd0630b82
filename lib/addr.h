/* addr: envelope addresses, as SMTP writes them (RFC 5321 4.1.2) and as our
 * envelopes keep them.
 *
 * Kept form: local@domain, the local part unquoted ("a b"@x is kept as a b@x), the
 * last @ divides. No byte below 0x20, no 0x7f, no NUL; 8-bit bytes are kept. Domains
 * keep their case and compare without. A domain is a name (RFC 1035 labels, 8-bit
 * allowed, `_` too, one final dot dropped) or a literal in brackets. Without a domain
 * ("postmaster") the local part has no @. No empty local part, no comments.
 * Errors: -1 with EINVAL (no such form) or EMSGSIZE (LIMIT_LOCAL, LIMIT_DOMAIN,
 *         LIMIT_ADDRESS).
 */
#ifndef QUOIN_ADDR_H
#define QUOIN_ADDR_H

#include <stddef.h>

#include "qlimits.h"

/* A path of MAIL or RCPT at p: "<...>" (the brackets are required), a source route
 * before it is dropped. kept gets the kept form, "" for "<>"; *used the bytes
 * taken. routed (may be NULL) says whether there was a source route. */
int addr_parse_path(const char *p, size_t n, char kept[LIMIT_ADDRESS + 1], size_t *used,
		    int *routed);

/* A bare address (an argument, a table's entry) in SMTP's form, quotes and all; not
 * an empty one. */
int addr_parse(const char *s, char kept[LIMIT_ADDRESS + 1]);

/* The domain of a kept address: behind the last @, or NULL if it has none. */
const char *addr_domain(const char *kept);

/* Kept form -> SMTP's form without brackets, quoting the local part if it needs it;
 * size at least 2 * LIMIT_ADDRESS. */
int addr_quote(const char *kept, char *out, size_t size);

/* Without regard to ASCII case; a final dot does not count. */
int domain_equal(const char *a, const char *b);

/* postmaster or abuse, at any domain: names that every domain must hear (RFC 5321
 * 4.5.1, RFC 2142). What nobody claimed of them goes to the default delivery. */
int addr_is_role(const char *kept);

/* An address literal, with its brackets: [192.0.2.1] or [IPv6:2001:db8::1]
 * (RFC 5321 4.1.3). family gets AF_INET or AF_INET6, ip 4 or 16 bytes. */
int addr_literal(const char *domain, int *family, unsigned char ip[16]);

#endif
