/* vanished: uids that are no more, for clients of QRESYNC (RFC 7162); and what switches CONDSTORE on.
 *
 * vanished_tell(): "* VANISHED (EARLIER) uids" of those of the set that were expunged since a modseq.
 * When that is longer ago than the box remembers, every uid of the set (below UIDNEXT) that is not there.
 * Nothing is said if there are none. -1 with errno.
 * condstore_on(): a command that enables CONDSTORE has come; the first one tells HIGHESTMODSEQ of
 * the open mailbox (RFC 7162 3.1).
 */
#ifndef QIMAPD_VANISHED_H
#define QIMAPD_VANISHED_H

#include <stdint.h>

#include "set.h"

int vanished_tell(const struct set *uids, uint64_t since);
void condstore_on(void);

#endif
