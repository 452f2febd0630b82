/* login_parse: the little of IMAP's grammar that is needed before a login (RFC 9051 9):
 * tag, command, astrings. No list, no waiting, no memory of its own.
 * Owner:  pointers point into the command's bytes.
 * Errors: -1, no more is said: the command is BAD.
 */
#ifndef QIMAPD_LOGIN_PARSE_H
#define QIMAPD_LOGIN_PARSE_H

#include <stddef.h>

enum {
	LIMIT_TAG = 250,
	LIMIT_LITERAL = 1024, /* {n}: of the name or the password */
	LIMIT_LITERAL_PLUS =
	    4096 /* {n+}: those of LITERAL- (RFC 7888 5) are on their way */
};

struct command {
	char *tag, *verb;
	char *args; /* behind the blank; or of length 0 */
	size_t nargs;
};

/* n bytes at p, literals included, a NUL behind them; blanks become NUL. */
int command_split(struct command *c, char *p, size_t n);

/* The next astring of *n bytes at *p into out, with a NUL; one with a NUL in it is none. */
int command_astring(const char **p, size_t *n, char *out, size_t size);

/* A literal that a line's end announces (RFC 9051 4.3): 1, or 0 if there is none. */
struct literal {
	size_t n; /* SIZE_MAX: too large to say */
	int plus; /* not to be invited */
};
int literal_at_end(struct literal *l, const char *line, size_t n);

#endif
