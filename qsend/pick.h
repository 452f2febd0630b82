/* pick: which of what waits the keeper means: all heaps are walked once, however many ids
 * he names, so that a batch takes milliseconds beside 100,000 messages.
 *
 * Owner:  picks_free().
 */
#ifndef QSEND_PICK_H
#define QSEND_PICK_H

#include <stddef.h>
#include <stdint.h>

#include "due.h"

struct keeper_request;
struct sched;

/* One id of a request, and what waits of it. */
struct pick {
	uint64_t ns;
	uint32_t random;
	uint8_t waits; /* entry is it */
	uint8_t held;  /* it was in q->held */
	size_t place;  /* in the request */
	struct entry entry;
};

struct picks {
	struct sched *q;
	struct pick *p; /* by id */
	size_t n;
	int take;      /* entries are taken out; else made due */
	int from_held; /* the heap that is walked is q->held */
};

/* The entries of r's ids: for a retry they are made due, else taken out of their heaps.
 * 0, or -1 with errno: nothing was done. */
int picks_make(struct picks *s, struct sched *q, const struct keeper_request *r);
void picks_free(struct picks *s);

/* Does p[i] name the message of p[i - 1] once more? Its entry is with the first. */
int picks_again(const struct picks *s, size_t i);

/* All that wait, and are not held, are due now, wherever they go: how many entries. */
uint64_t picks_retry_all(struct sched *q);

#endif
