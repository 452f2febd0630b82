/* program: runs one `|command` line.
 *
 * sh -c COMMAND in the current directory, with the message on descriptor 0 at its
 * beginning, 1 and 2 a pipe to us, nothing else open, signals as at a fresh start, a
 * process group of its own. Of its output the first LIMIT_OUTPUT bytes are kept.
 * The whole group is killed when the deadline passes, and when the lifeline ends.
 */
#ifndef QLOCAL_PROGRAM_H
#define QLOCAL_PROGRAM_H

#include <stdint.h>

#include "answer.h"

enum { LIMIT_OUTPUT = 4096, EXIT_STOP = 99 };

struct program {
	const char *command;
	char *const *env;
	int copy; /* the message alone */
	int64_t deadline;
	int lifeline;
};

/* 1: exit 99, the rest of the dot-file is not to be carried out; else 0. a: DONE, LATER
 * or NEVER by the exit code, the text is the program's output. */
int program_run(const struct program *p, struct answer *a);

/* What a wait status means: DONE, LATER or NEVER. */
char program_letter(int status);

#endif
