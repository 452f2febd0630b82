/* batch: ids that a thread works on together, one batch at a time; what is added
 * meanwhile makes the next one. So many orders share one sync.
 *
 * Owner:  a static struct with run and what set; the ids are freed when their batch is
 * done. Errors: -1 with errno, the id was not taken. A batch that failed is logged, not
 * repeated.
 */
#ifndef QSEND_BATCH_H
#define QSEND_BATCH_H

#include "qid.h"
#include "syncer.h"

struct sched;

struct batch_id {
	struct batch_id *next;
	char id[QID_LEN + 1];
};

/* In a thread: touches nothing of q but its directories. -1 with errno. */
typedef int batch_run(const struct sched *q, const struct batch_id *first);

struct batch {
	batch_run *run;
	const char *what; /* for the log: "unable to ..." */
	struct work work;
	struct sched *q;
	struct batch_id *now;  /* the thread's */
	struct batch_id *next; /* for the thread after this one */
};

__attribute__((warn_unused_result)) int batch_add(struct batch *b, struct sched *q,
						  const char *id);

#endif
