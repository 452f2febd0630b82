/* rewrite: copies an address field and completes its addresses where they stand, so
 * that comments, names and folding stay as the author wrote them.
 *
 * each (may be NULL) gets every address in kept form, "" for <>.
 * Results: 0 copied; 1 copied as it is, since it is no address list (each may have
 *          been called for the addresses before the fault); -1 and a fail() record.
 */
#ifndef QUOIN_REWRITE_H
#define QUOIN_REWRITE_H

#include <stddef.h>

struct sbuf;

int rewrite_addresses(struct sbuf *out, const char *p, size_t n,
		      int (*each)(void *arg, const char *kept), void *arg);

#endif
