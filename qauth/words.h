/* words: the command lines of judges and servers. */
#ifndef QAUTH_WORDS_H
#define QAUTH_WORDS_H

#include <stddef.h>

#include "args.h"
#include "qlimits.h"

enum { WORDS_MAX = 64, SERVERS_MAX = 8, LIMIT_CHECKER = 40 };

struct words {
	size_t n;
	const char *argv[WORDS_MAX + 1]; /* NULL behind the last */
	char program[LIMIT_PATH];        /* what is to be run: argv[0] as a path */
};

/* -S SERVICE=PROGRAM, as an args taker. PROGRAM without a slash is one of ours. */
int arg_server(const struct arg *a, const char *word);

/* The server of a service with its last argument: 0, or -1 when there is none. */
int words_server(struct words *w, const char *service, const char *last);

/* The built-in judge. */
int words_builtin(struct words *w);
int words_stem(struct words *w);

/* A line of control/checkpassword (it is cut into words, and must live as long), and
 * behind it qauth-enter with the server, if there is one. */
int words_checker(struct words *w, char *line, const struct words *server);

#endif
