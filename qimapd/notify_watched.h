/* notify_watched: the folders whose messages NOTIFY is to tell of, beside the open one: held open,
 * watched, and told by STATUS when they change. There is one list, the session's.
 */
#ifndef QIMAPD_NOTIFY_WATCHED_H
#define QIMAPD_NOTIFY_WATCHED_H

#include "maildir/watch.h"
#include "notify_names.h"
#include "notify_set.h"

enum { WATCHED_MAX = WATCH_MAX - 1 }; /* one is the open mailbox */

/* Those of known that want asks for. -1: more than can be watched. */
int watched_begin(const struct folders *known, const struct notify_set *want);
void watched_end(void);
/* The names are what they were, but a directory may be another one: removed and made again, or two that
 * were exchanged. -1 as above. */
int watched_renew(void);

/* The watch of that id has seen something. */
void watched_changed(int id);
/* What has changed since it was told; and all. */
void watched_tell(void);
void watched_tell_all(void);

/* Their names and directories; how many. */
size_t watched_held(struct names_held out[WATCHED_MAX]);

#endif
