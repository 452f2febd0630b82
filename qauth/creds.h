/* creds: what a checkpassword program finds on descriptor 3: user NUL password NUL
 * timestamp NUL, at most CREDS_MAX bytes. A judge that was forked has the service there
 * instead of the timestamp (judge.h).
 * Owner:  creds_wipe() when it was judged; strings point into it.
 */
#ifndef QAUTH_CREDS_H
#define QAUTH_CREDS_H

#include <stddef.h>

enum { CREDS_MAX = 2048 };

struct creds {
	char buf[CREDS_MAX];
	const char *user;
	const char *password;
	const char *third; /* "": nothing that ends with a NUL */
};

/* 0; -1 with EBADMSG (not such a text), EMSGSIZE, or an error of read. */
int creds_read(struct creds *c, int fd);
void creds_wipe(struct creds *c);

/* The same on n bytes that stand in c->buf already. */
int creds_parse(struct creds *c, size_t n);

#endif
