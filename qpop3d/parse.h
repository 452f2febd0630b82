/* parse: a command line of POP3 (RFC 1939 3), in place. Linear; nothing is allocated.
 */
#ifndef QPOP3D_PARSE_H
#define QPOP3D_PARSE_H

#include <stddef.h>
#include <stdint.h>

enum { POP3_ARGS = 2 };

struct pop3_line {
	char *verb;
	size_t nargs; /* POP3_ARGS + 1: more than any command has */
	char *arg[POP3_ARGS];
};

/* line ends with a NUL and no CR LF; its blanks become NUL. */
void pop3_split(struct pop3_line *l, char *line);

/* Decimal digits and nothing else, from 0 to max: 0, or -1. */
int pop3_number(const char *s, uint32_t max, uint32_t *n);

#endif
