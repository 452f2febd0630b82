/* retry: when a message is tried again, and when it is given up. No state of its
 * own, no clock read here: tests hand in any time.
 *
 * Schedule: quadratic from the birth, as in qmail: an attempt at age a is followed by
 * one at age (sqrt(a) + skip)^2, skip 10 for local and 20 for remote recipients.
 * The pause is waited for on the monotonic clock, so a step of the wall clock
 * neither hurries nor holds up anything that is waiting.
 *
 * A message expires if its age by the wall clock is over the lifetime and, because
 * that clock may lie, this process has seen it wait that long. Of a message that was
 * there at our start nobody knows how long it has waited: it expires as well if this is
 * at least the fourth attempt, four hours after the first, all since the clock last
 * stepped. Past its lifetime a message is tried every 80 minutes, so that a
 * restarted qsend can say so after four hours.
 */
#ifndef QSEND_RETRY_H
#define QSEND_RETRY_H

#include <stdint.h>

#include "due.h"

enum {
	RETRY_SKIP_LOCAL = 10,
	RETRY_SKIP_REMOTE = 20,
	RETRY_LAST_PAUSE = 80 * 60,
	RETRY_LAST_TRIES = 4,
	RETRY_LAST_SPAN = 4 * 3600,
	RETRY_STEP_MS = 5000, /* the clocks move apart: more is a step */
};

/* Both clocks of one moment, and when the wall clock last stepped. */
struct clocks {
	uint64_t wall; /* seconds since 1970 */
	int64_t mono_ms;
	uint32_t mono;  /* seconds */
	uint32_t step;  /* mono of the last step, 0: none seen */
	int64_t offset; /* wall - mono, ms */
	int started;
};

/* Read both: the step in seconds if the wall clock has stepped, else 0. */
int64_t clocks_tick(struct clocks *c, uint64_t wall_ns, int64_t mono_ms);

/* Age by the wall clock; 0 for a birth in the future. */
uint64_t retry_age(uint64_t birth, const struct clocks *c);

/* Seconds from an attempt at that age to the next. */
uint32_t retry_pause(uint64_t age, unsigned skip);

/* Seconds to the next attempt of a message whose last attempt nobody remembers. */
uint32_t retry_resume(uint64_t age, unsigned skip);

/* Is the attempt that begins now the last? */
int retry_expires(const struct entry *e, uint64_t birth, uint64_t lifetime,
		  const struct clocks *c);

/* An attempt was made: count it, and set e->due. counts: 0 when it only showed
 * that we have no network. */
void retry_later(struct entry *e, uint64_t birth, uint64_t lifetime, unsigned skip,
		 int counts, const struct clocks *c);

#endif
