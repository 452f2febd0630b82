/* watch_int: what the two ways of watch.h share. */
#ifndef QUOIN_MAILDIR_WATCH_INT_H
#define QUOIN_MAILDIR_WATCH_INT_H

#include <sys/types.h>
#include <time.h>

#include "maildir/watch.h"

enum { WATCH_PARTS = 3 };
#define WATCH_LOG "quoin-uids"

struct seen {
	struct timespec time[WATCH_PARTS];
	ino_t ino[WATCH_PARTS];
	off_t size;
};

struct watch_folder {
	int dir;             /* -1: free */
	int wd[WATCH_PARTS]; /* -1 each: by looking */
	int changed;
	struct seen seen;
};

/* No inotify watch is on it. */
static inline int watch_is_looking(const struct watch_folder *f)
{
	return f->dir != -1 && f->wd[0] == -1;
}

/* 1: it is not what it was, or may change without our seeing it. */
int watch_look(struct watch_folder *f);

#endif
