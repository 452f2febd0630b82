/* qresync: the parameter of SELECT by which a client catches up (RFC 7162 3.2.5).
 *
 *	(QRESYNC (UIDVALIDITY MODSEQ [KNOWN-UIDS] [(SEQS UIDS)]))
 *
 * The sequence match data only spares looking at uids up to the last pair that is still true.
 * Owner: qresync_free(), also of one that is all zero.
 */
#ifndef QIMAPD_QRESYNC_H
#define QIMAPD_QRESYNC_H

#include <stdint.h>

#include "set.h"

struct qresync {
	uint32_t uidvalidity;
	uint64_t modseq;
	int has_known;
	struct set known;
	struct set seqs, uids; /* sorted */
};

int qresync_take(struct words *w, struct qresync *q);
void qresync_free(struct qresync *q);

/* For the mailbox just opened: VANISHED (EARLIER) and FETCH of what changed; nothing if
 * UIDVALIDITY is another. */
void qresync_tell(const struct qresync *q);

#endif
