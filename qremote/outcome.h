/* outcome: what becomes of a job's recipients, and why.
 *
 * A recipient is decided once: the first letter stands. Texts are one line each,
 * clean, of LIMIT_TEXT bytes.
 */
#ifndef QREMOTE_OUTCOME_H
#define QREMOTE_OUTCOME_H

#include <stddef.h>

#include "qlimits.h"

struct outcome {
	size_t count;
	size_t decided;
	size_t failed;               /* of these: not taken by the server */
	char letter[LIMIT_JOBRCPTS]; /* K R Z D B, or 0 */
	char text[LIMIT_JOBRCPTS][LIMIT_TEXT + 1];
};

void outcome_begin(struct outcome *o, size_t count);

__attribute__((format(printf, 4, 5))) void outcome_set(struct outcome *o, size_t i,
						       char letter, const char *fmt, ...);

/* All that are not decided. */
__attribute__((format(printf, 3, 4))) void outcome_rest(struct outcome *o, char letter,
							const char *fmt, ...);

#endif
