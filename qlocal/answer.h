/* answer: what came of a delivery or of one step of it: a letter of job.h and a text.
 */
#ifndef QLOCAL_ANSWER_H
#define QLOCAL_ANSWER_H

#include <stddef.h>

#include "qlimits.h"

enum { DONE = 'K', LATER = 'Z', NEVER = 'D', CORRUPT = 'B' };
/* Done, and who tells of success (job.h): somebody behind a forward; nobody. */
enum { DONE_RELAYED = 'R', DONE_EXPANDED = 'X' };

struct answer {
	char letter;
	char text[LIMIT_TEXT + 1]; /* escape_text() */
};

__attribute__((format(printf, 3, 4))) void answer_set(struct answer *a, char letter,
						      const char *fmt, ...);

/* LATER, "unable to WHAT FILE: strerror(errno)" */
void answer_errno(struct answer *a, const char *what, const char *file);

#endif
