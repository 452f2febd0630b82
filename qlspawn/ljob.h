/* ljob: the deliveries that qsend has given us, from the frame to the report.
 *
 * LOOKUP (who is it?) -> WAITING (for a child of that user) -> RUNNING -> DONE (a report
 * that qsend has not taken yet). At most two children a user, one job at a time each.
 */
#ifndef QUOIN_LJOB_H
#define QUOIN_LJOB_H

#include <stddef.h>
#include <stdint.h>

#include "child.h"

enum {
	PER_USER = 2,       /* children: one may hang on a dead home */
	CHILDREN_MAX = 200, /* in total */
	JOBS_MAX = 500,     /* with two descriptors for each child below 1024 */
	LINGER_MS = 2000,
	END_MS = 10000, /* for one that is to end */
	SLOW_MS = 30000 /* a user all of whose children take longer is passed over */
};

/* qsend: its socket; seconds: for a job. */
void ljob_init(int qsend, unsigned seconds);

/* A frame from qsend, with its descriptor (ours now) or -1. -1 with EBADMSG. */
int ljob_take(const char *frame, size_t n, int fd);

/* What the children and qgetpw said. */
void ljob_settled(const char *name, char result);
void ljob_hear(struct child *c);

/* Time limits; call at least once a second while ljob_busy(). */
void ljob_tick(void);
int ljob_busy(void);

/* Reports to qsend: 1 when all are gone, 0 when it must take some first, -1. */
int ljob_flush(void);

extern struct child *children;

#endif
