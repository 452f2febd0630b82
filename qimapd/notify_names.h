/* notify_names: which folders came, went, or are subscribed now and were not, or the other way.
 */
#ifndef QIMAPD_NOTIFY_NAMES_H
#define QIMAPD_NOTIFY_NAMES_H

#include "maildir/store.h"

enum { NAMES_CHANGED = 1, NAMES_SUBSCRIBED = 2 };

/* tell is called for each, with the folder as it is now (of one that has gone without
 * FOLDER_EXISTS). 1: there was one; 0. */
int names_differ(const struct folders *old, const struct folders *now,
		 void (*tell)(const struct folder *f, unsigned change));

/* Can it be opened? */
int folder_is_there(const char *name);

#endif
