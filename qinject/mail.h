/* mail: a whole message with its envelope, ready to go, as often as it takes.
 *
 * Errors: -1 with errno.
 */
#ifndef QUOIN_MAIL_H
#define QUOIN_MAIL_H

#include "complete.h"
#include "rcpts.h"
#include "spool.h"

struct mail {
	const char *sender;
	const struct rcpts *rcpts;
	const struct sbuf *header; /* NULL: the body has it */
	struct spool *body;
	const char *envid; /* xtext, or NULL or "" (RFC 3461) */
	char ret;          /* F, H or 0 */
};

/* The envelope's fields (qfile.h) to the end of env. */
int mail_envelope(const struct mail *m, struct sbuf *env);

/* A Received field with this id, header and body, piece by piece. */
int mail_each(const struct mail *m, const char *id,
	      int (*each)(void *arg, const void *p, size_t n), void *arg);

#endif
