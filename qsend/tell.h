/* tell: what senders are told of (RFC 3461 5.2, 6.2), and by which settings.
 *
 * Nobody is told who is not there (a null sender), nor of what he did not want (NOTIFY).
 * Without NOTIFY: of failures, and of delay who has submitted the message here.
 */
#ifndef QSEND_TELL_H
#define QSEND_TELL_H

#include <stdint.h>

#include "bounce.h"
#include "qfile.h"

struct msg;
struct sched;

static inline int tell_is_failure_wanted(unsigned notify)
{
	return notify == 0 || (notify & NOTIFY_FAILURE) != 0;
}

static inline int tell_is_delay_wanted(unsigned notify)
{
	return notify == 0 || (notify & NOTIFY_DELAY) != 0;
}

/* The control files that decide. Strings are tell_load()'s. */
struct tell {
	struct bounce_settings bounce;
	uint64_t delaywarn; /* seconds; 0: no warnings */
	int unsent;         /* qbounce has not got them yet */
};

/* At start and at SIGHUP. -1 with tell_error(): *t is as it was. */
__attribute__((warn_unused_result)) int tell_load(struct tell *t);
const char *tell_error(void);

/* The letter of the journal for recipient i, delivered with that letter of a report:
 * K when there is nobody to be told, or somebody else tells. */
char tell_good(const struct msg *m, uint32_t i, char letter);

/* A pass has ended and left some for later: 1 when their sender is to be warned now. The
 * journal says so then, and so it is done once. */
int tell_delay(const struct sched *q, struct msg *m);

#endif
