/* audit: has each message that got its yes exactly one end for each recipient?
 *
 *	read	the queue's names, then the lines of the logs, into a ledger
 *	judge	the ledger: what is proven, what lies at an edge, what is wrong
 *	print
 */
#ifndef CONTROL_AUDIT_H
#define CONTROL_AUDIT_H

#include <stdint.h>

#include "ledger.h"
#include "logs.h"

enum { AUDIT_WRONG_MAX = 1000 }; /* more violations are counted, not printed */

enum wrong {
	WRONG_LOST,      /* no end, and not in the queue */
	WRONG_DOUBLE,    /* two ends of one recipient without a restart between */
	WRONG_UNTOLD,    /* the notification that qsend names never came into the queue */
	WRONG_RECIPIENT, /* an end of a recipient that the message has not */
	WRONGS,
};

struct audit {
	uint64_t since; /* asked for; 0: as far as the logs go back */
	uint64_t start; /* when the queue was looked at */
	uint64_t from;  /* what is judged was queued not before this */
	uint64_t old;   /* the last end that does not say whose, of an earlier qsend */
	uint16_t run;   /* of qsend */
	uint64_t last_start;
	struct ledger ledger;
	struct logs logs; /* read to their end: their stamps and counts */

	/* messages that got their yes */
	uint64_t messages, done, waiting, whole; /* whole: ended as a whole */
	uint64_t aside;                          /* in queue/bad */
	/* not judged */
	uint64_t before, late, unproven, unpromised;
	/* recipients of what is judged */
	uint64_t rcpts, good, bad, open, again, found;
	uint64_t notices, repeated_notices;
	uint64_t wrong[WRONGS];
	struct {
		enum wrong what;
		char id[QID_LEN + 1];
		uint32_t rcpt;
		uint64_t since;
	} list[AUDIT_WRONG_MAX];
	unsigned listed;
};

/* Ends the program when something cannot be read. */
void audit_read(struct audit *a);
void audit_judge(struct audit *a);
void audit_print(const struct audit *a, int json);

uint64_t audit_wrongs(const struct audit *a);

#endif
