/* counts: what logins have sent in the last hour, kept over a restart in
 * queue/sending/counts. Written when something has changed, at most once a minute, by a
 * thread of the syncer, and at the end; beside the old file and renamed over it, never
 * synced: no message waits for it, and a crash forgets a minute.
 *
 *	file  = "quoin-c1" u64 wall clock in ms, u32 number of logins
 *		*(u32 age of the hour in ms, u32 ms until the next alarm,
 *		  u32 messages, u32 recipients, the same of the hour before, login NUL)
 *		sum (sum.h) of all that
 *
 * All times but the first are relative to it, so a file is understood in the next life of
 * the host. A clock that was set back is taken for one that stood still; one that was set
 * forward makes hours go by.
 * Errors: a damaged file, or none, is a start from nothing; one that cannot be written is
 *	   a warning, and tried again a minute later. Neither keeps mail out.
 */
#ifndef QQUEUE_COUNTS_H
#define QQUEUE_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "sbuf.h"
#include "sending.h"
#include "syncer.h"

enum {
	COUNTS_LOGIN = 255
}; /* bytes of a login that is kept; qauth knows no longer one */

struct counts {
	int dir; /* queue/sending, -1: it is not there */
	struct sbuf text;
	struct work work;
	int writing;
	int failed;     /* the last time, and said so: to be done again */
	int64_t due_at; /* not before; monotonic ms */
};

/* Open queue/sending and take what its file says. */
void counts_open(struct counts *c, struct sending *s, int64_t now);

/* Have it written if that is due. */
void counts_tick(struct counts *c, struct sending *s, struct syncer *syncer, int64_t now);

/* When it is, CLOCK_NEVER: nothing has changed, or it is under way. */
int64_t counts_due(const struct counts *c, const struct sending *s);

/* The last time, by the caller itself. */
void counts_close(struct counts *c, struct sending *s, int64_t now);

/* The file's text: 0, or -1 with ENOMEM. */
__attribute__((warn_unused_result)) int counts_put(struct sbuf *b, struct sending *s,
						   int64_t now, uint64_t wall_ms);

/* Read one: 0, or -1 with EBADMSG (nothing is counted then) or ENOMEM. */
__attribute__((warn_unused_result)) int
counts_take(struct sending *s, const char *p, size_t n, int64_t now, uint64_t wall_ms);

#endif
