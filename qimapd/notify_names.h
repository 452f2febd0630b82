/* notify_names: which folders came, went, have another name, or are subscribed now and were not, or
 * the other way.
 */
#ifndef QIMAPD_NOTIFY_NAMES_H
#define QIMAPD_NOTIFY_NAMES_H

#include "maildir/store.h"

enum { NAMES_CHANGED = 1, NAMES_SUBSCRIBED = 2 };

/* tell is called for each, with the folder as it is now (of one that has gone without
 * FOLDER_EXISTS). 1: there was one; 0. */
int names_differ(const struct folders *old, const struct folders *now,
		 void (*tell)(const struct folder *f, unsigned change));

/* Of n folders that are held open: those whose directory has another name now, which no folder had
 * before. While it is held nobody else has its inode. out has room for n; how many. */
struct names_held {
	const char *name;
	int dir;
};
struct names_renamed {
	const char *old;
	const struct folder *now;
};
size_t names_renamed(struct names_renamed *out, const struct names_held *held, size_t n,
		     const struct folders *old, const struct folders *now);

/* Can it be opened? */
int folder_is_there(const char *name);

#endif
