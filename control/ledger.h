/* ledger: what the logs say of each message and each of its recipients, in 48 bytes a
 * message (and one a recipient of those with more than eight) beside 8 to 16 of a table.
 *
 * Owner:  ledger_free().
 * Errors: NULL or -1 with ENOMEM, or E2BIG: over LEDGER_MAX messages.
 */
#ifndef CONTROL_LEDGER_H
#define CONTROL_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "qid.h"

enum { LEDGER_MAX = 10000000, LEDGER_SMALL = 8 };

enum {                      /* struct account.flags */
       ACCOUNT_QUEUED = 1,  /* it got its yes */
       ACCOUNT_NEW = 2,     /* qsend has seen it come */
       ACCOUNT_GONE = 4,    /* ended as a whole: delete, move, bad, discard, gone */
       ACCOUNT_WAITS = 8,   /* its file is in the queue */
       ACCOUNT_ASIDE = 16,  /* or in queue/bad */
       ACCOUNT_WANTED = 32, /* a bounce or warn line names it as the notification */
};

enum {                  /* of one recipient */
       RCPT_GOOD = 1,   /* delivered */
       RCPT_BAD = 2,    /* failed for good */
       RCPT_NOW = 4,    /* decided in the run of qsend that decided last */
       RCPT_AGAIN = 8,  /* delivered, and decided again after a restart */
       RCPT_FOUND = 16, /* the same; the repeated job says that its work was there */
       RCPT_TWICE = 32, /* decided twice without a restart */
};

struct account {
	uint64_t ns;
	uint32_t random;
	uint32_t rcpts;  /* as queued or new says; 0: neither */
	uint64_t since;  /* stamp of queued, or of what names it first */
	uint32_t places; /* of marks */
	uint16_t run;    /* of qsend, the last that decided a recipient */
	uint8_t flags;
	uint8_t notices;
	union {
		uint8_t few[LEDGER_SMALL];
		uint8_t *many;
	} marks;
};

struct ledger {
	struct account **chunks;
	size_t n;
	uint32_t *table; /* index + 1 */
	size_t size;     /* of table, a power of two */
};

/* The account of an id, made when there is none. */
struct account *ledger_get(struct ledger *l, const char *id);
struct account *ledger_at(const struct ledger *l, size_t i);
void ledger_free(struct ledger *l);

/* A recipient's marks, for writing: NULL when there is no memory. */
uint8_t *account_mark(struct account *a, uint32_t rcpt);
/* For reading: 0 where nothing is said. */
uint8_t account_says(const struct account *a, uint32_t rcpt);
void account_clear_now(struct account *a);
void account_id(const struct account *a, char id[QID_LEN + 1]);

#endif
