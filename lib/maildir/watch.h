/* watch: has something changed in these folders?
 *
 * By inotify; where there is no instance left (fs.inotify.max_user_instances, 128 a user) or no
 * watch, by a look at the directories' times each second. Spurious answers are allowed,
 * missed ones are not: whoever was told looks with box_sync().
 *
 *	watch_init(&w)
 *	id = watch_add(&w, dir)			new/, cur/ and quoin-uids of this folder
 *	poll(w.fd if it is not -1, …, timeout at most watch_timeout(&w))
 *	while ((id = watch_next(&w)) != -1) ...	folders that may have changed
 *
 * Owner:  dir stays the caller's and must stay open until watch_remove().
 */
#ifndef QUOIN_MAILDIR_WATCH_H
#define QUOIN_MAILDIR_WATCH_H

#include <stdint.h>

enum { WATCH_MAX = 1024 }; /* folders of one session (NOTIFY) */

struct watch {
	int fd; /* -1: by looking */
	unsigned n;
	struct watch_folder *folder;
	int64_t looked;
};

void watch_init(struct watch *w);
int watch_add(struct watch *w, int dir); /* id, or -1 with ENOSPC, ENOMEM */
void watch_remove(struct watch *w, int id);
int watch_timeout(const struct watch *w); /* ms for poll(); -1: as long as you like */
int watch_next(struct watch *w);
void watch_close(struct watch *w);

#endif
