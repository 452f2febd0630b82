/* update: tells the client what changed in the open mailbox since it was last told.
 *
 * update_look(): box_sync(), if the watch or the time says that there may be something.
 * update_tell(): "* n EXPUNGE" (or VANISHED under ON_QRESYNC) unless no_expunge, then "* n EXISTS" (and RECENT),
 * then "* n FETCH (FLAGS …)" with UID and MODSEQ as ON_CONDSTORE and rev2 want, and "* FLAGS" when there are new
 * keywords. Numbers are right at each line. update_flags(): one message's FETCH line.
 */
#ifndef QIMAPD_UPDATE_H
#define QIMAPD_UPDATE_H

#include <stddef.h>

int update_look(void); /* -1 with errno: the mailbox cannot be read */
void update_tell(int no_expunge);
void update_flags(size_t i, int with_uid);
void update_permanent_flags(void); /* "* FLAGS (…)" and "* OK [PERMANENTFLAGS (…)]" */

#endif
