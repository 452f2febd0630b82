/* sending: how much a login sends in an hour. A stolen password is the usual disaster of
 * a mail server: the limit keeps it small, and the alarm in the log makes it known.
 *
 * Counted are the messages and recipients of envelopes with a login (lib/qfile.h, L),
 * over the last hour: what the hour before it had counts by the part of it that is in
 * reach. What failed is given back. control/userlimit: "login:messages:recipients", 0 no
 * limit, without a login for all others. In memory; counts.h keeps it over a restart.
 * Owner:  the loop's thread. A sender lives while something is counted for it.
 */
#ifndef QQUEUE_SENDING_H
#define QQUEUE_SENDING_H

#include <stddef.h>
#include <stdint.h>

enum { SENDING_SLOTS = 4096, SENDING_MAX = 20000, SENDING_HOUR = 3600 * 1000 };

struct amount {
	uint64_t messages, rcpts;
};

struct sender {
	struct sender *next;
	int64_t hour; /* begin of the hour that is counted now, ms */
	struct amount now, before;
	unsigned open;    /* submissions that are counted and not settled */
	int64_t alarm_at; /* not before; ms */
	char login[];
};

struct ctlmap;

struct sending {
	struct ctlmap *limits;
	struct amount usual; /* limit of who has no line */
	struct sender *slot[SENDING_SLOTS];
	size_t count;
	int changed; /* since whoever writes it down set this to 0 */
};

/* Read control/userlimit: 0, or -1 (control_error()). */
int sending_load(struct sending *s);
void sending_free(struct sending *s);

enum sending_answer { SENDING_OK, SENDING_OVER, SENDING_ALARM };

/* A message to n recipients: counted, and *who is to be settled; or over the limit, and
 * SENDING_ALARM if that is news of this hour. -1 with ENOMEM. *used gets what the hour
 * had before it. */
int sending_count(struct sending *s, const char *login, size_t n, int64_t now,
		  struct sender **who, struct amount *used);

/* It was sent; or not, and is given back to the hour in which it was counted, what who->hour
 * was then. */
void sending_settle(struct sending *s, struct sender *who, int64_t hour, size_t n,
		    int sent);

/* Whoever is counted under a login; a new one if it must be, with no hour behind it. NULL
 * with ENOMEM. */
struct sender *sending_find(struct sending *s, const char *login, int64_t now);

/* Begin the hour that it is. */
void sending_turn(struct sender *w, int64_t now);

#endif
