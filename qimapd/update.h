/* update: tells the client what changed in the open mailbox since it was last told.
 *
 * update_look(): what did others do? A few calls if nothing.
 * update_tell(): "* n EXPUNGE" (or VANISHED under ON_QRESYNC) unless no_expunge, then "* n EXISTS" (and
 * RECENT before rev2), "* FLAGS" when there are new keywords, and "* n FETCH (FLAGS …)" with UID where an
 * extension is on and MODSEQ as ON_CONDSTORE wants. Numbers are right at each line.
 * update_flags(): one message's FETCH line, which then is told.
 */
#ifndef QIMAPD_UPDATE_H
#define QIMAPD_UPDATE_H

#include <stddef.h>

/* -1: the mailbox cannot be read, the log says why; is it another one now, the session is over. */
int update_look(void);
void update_tell(int no_expunge);
/* What NOTIFY left of it; EXISTS is told in any case. */
enum { UPDATE_EXPUNGE = 1, UPDATE_FLAGS = 2 };
void update_tell_some(unsigned what);
void update_flags(size_t i, int with_uid);
void update_permanent_flags(void); /* "* FLAGS (…)" and "* OK [PERMANENTFLAGS (…)]" */
void update_counts(void);          /* "* n EXISTS" and RECENT */

#endif
