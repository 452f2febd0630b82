/* ids: gives queue ids in the order of time, each higher than all before, whatever
 * the clock does and however often qqueue restarts.
 *
 * queue/qlock keeps a high-water mark, written ahead: no id at or over it is given
 * before a higher one is in the file. It is renewed every half minute and a worker
 * syncs it, so that no message costs a write.
 */
#ifndef QQUEUE_IDS_H
#define QQUEUE_IDS_H

#include <stdint.h>

#include "qid.h"
#include "syncer.h"

enum { IDS_RANDOM = 16 };

struct ids {
	int fd; /* queue/qlock, locked for as long as the process lives */
	uint64_t last;
	uint64_t mark;
	uint32_t random[IDS_RANDOM]; /* for the next ids, nrandom of them */
	unsigned nrandom;
	struct work sync;
	int syncing;
	int garbled; /* the file had other contents: ids begin at the clock's time */
};

/* Take the lock and read the mark. EWOULDBLOCK: another process holds it. */
__attribute__((warn_unused_result)) int ids_open(struct ids *ids, const char *path);

/* The next id. -1 with errno when a new mark cannot be written. */
__attribute__((warn_unused_result)) int ids_next(struct ids *ids, struct syncer *syncer,
						 char id[QID_LEN + 1]);

/* A clean end: the mark becomes the last id's time. */
void ids_close(struct ids *ids);

#endif
