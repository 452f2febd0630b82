/* store_int: what the parts of store.h share.
 *
 * Files in the root beside the folders: quoin-store, the lock of all who change the store;
 * quoin-validity (store_validity.c); subscriptions, quoin-special; quoin-rename, a rename of
 * several folders that is under way; quoin-new-* and quoin-gone-*, directories that
 * are no folders yet or any more.
 * Order of locks: quoin-store, a folder's own (box.h), quoin-validity.
 */
#ifndef QUOIN_MAILDIR_STORE_INT_H
#define QUOIN_MAILDIR_STORE_INT_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>

#include "maildir/store.h"

enum {
	STORE_NAME = 255,      /* NAME_MAX */
	STORE_LOCK_MS = 30000, /* so long a lock is waited for */
	STORE_LIST = 4194304   /* bytes of subscriptions and of quoin-special */
};

#define STORE_GONE   "quoin-gone-"
#define STORE_NEW    "quoin-new-"
#define STORE_RENAME "quoin-rename"

/* ---- store.c ---- */
/* A descriptor whose close() lets go, or -1 (EBUSY). */
int store_lock_file(int root, const char *file);
static inline int store_lock(const struct store *s)
{
	return store_lock_file(s->root, "quoin-store");
}
/* close() of a lock, errno kept. */
void store_unlock(int lock);
int store_open_dir(int at, const char *path);
/* The entries of at/path, or NULL. */
DIR *store_read_dir(int at, const char *path);
int store_is_dir(int at, const struct dirent *e);
/* PREFIX and 16 digits, random. */
void store_random_name(char out[64], const char *prefix);
/* A whole file: 1, or 0 if there is none. */
struct sbuf;
int store_read_file(struct sbuf *b, int root, const char *file);
/* The same in its place, durably. */
int store_write_file(int root, const char *file, const struct sbuf *b);
/* renameat() that replaces nothing: EEXIST. */
int store_move(int root, const char *from, const char *to);

/* ---- store_name.c ---- */
/* The directory of a canonical name that is not INBOX. */
int store_to_disk(char out[STORE_NAME + 1], const char *name);
/* The same as others may have written it, in bare UTF-8 or with a loose "&"; -1: there is no
 * such second form. */
int store_to_raw(char out[STORE_NAME + 1], const char *name);
/* The canonical name of a directory; -1: it is no folder. */
int store_from_disk(char out[FOLDER_NAME + 1], const char *disk);
/* Is a the name b, or below it? */
int store_is_below(const char *a, const char *b);
/* Order of LIST: INBOX, then bytes; a folder before those below it, and these before all
 * others. */
int store_compare(const char *a, const char *b);

/* ---- folder.c ---- */
/* Which directory has this name now? ENOENT. */
int store_find(const struct store *s, const char *name, char disk[STORE_NAME + 1]);

/* ---- folder_rename.c ---- */
/* Finish what a killed rename began; the caller has the lock. */
int store_repair(const struct store *s);

/* ---- folder_inbox.c ---- */
/* INBOX's messages into a new folder; no folder is left if it says no. */
int store_rename_inbox(const struct store *s, const char *to);

/* ---- folder_unused.c ---- */
/* Undo: disk, of descriptor dir, goes if it is still that directory and nobody has put
 * anything into it; the caller has the lock. errno is kept. */
void store_remove_unused(const struct store *s, const char *disk, int dir);

/* ---- store_purge.c ---- */
/* Remove quoin-gone-*, and quoin-new-* if the caller has the lock. */
void store_purge(const struct store *s, int locked);

/* ---- store_special.c ---- */
/* FOLDER_USES of all folders in the list. */
int store_mark_uses(struct folders *f, const struct store *s);
/* Give use to a folder, in place of a folder that is gone. ENOTUNIQ. */
int store_may_use(const struct store *s, unsigned use);
int store_set_use(const struct store *s, const char *name, unsigned use);
/* A folder has another name, or (NULL) is gone. */
int store_move_uses(const struct store *s, const char *from, const char *to);

/* ---- store_subscribed.c ---- */
/* Calls each for every name; it returns -1 to stop. */
int store_each_subscribed(const struct store *s, int (*each)(void *, const char *),
			  void *);

#endif
