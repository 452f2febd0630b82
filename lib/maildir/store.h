/* store: a user's Maildir with its folders (Maildir++).
 *
 * The Maildir itself is INBOX; the folder A.B is the directory ".A.B" in it, with a file
 * maildirfolder. Names here are what IMAP shows, in UTF-8, with "." between the levels,
 * INBOX in any case; on the disk they are modified UTF-7 (utf7.h). A folder's parent need
 * not exist. Components that are "", "..", hold "/", NUL or control characters, or over 200
 * bytes on disk are refused (EINVAL), as are more than 16 levels.
 * Directories are opened relative to the held root, O_NOFOLLOW: a symbolic link is no folder.
 * Subscriptions: the file `subscriptions` in the root, Dovecot's, in both of its forms;
 * without it Courier's is read. Special uses (RFC 6154): the file quoin-special, lines "USE
 * NAME"; for a use that no line gives, the folder of a usual name (Drafts, Sent, Junk or Spam,
 * Trash, Archive, ...).
 * All that changes something takes a lock of the store; what a killed process left half done is
 * finished by the next who lists, creates, renames, deletes, or does not find a folder.
 * Owner:  store_close(); descriptors given out are the caller's.
 * Errors: -1 with errno: ENOENT no such folder, EEXIST, EINVAL a bad name or a rename into
 *	   itself or above, EPERM (INBOX may not be deleted), ENOTUNIQ another folder was given
 *	   this use, EBUSY others held the lock for 30 s. Inferiors of what is deleted stay. All
 *	   durable on 0.
 */
#ifndef QUOIN_MAILDIR_STORE_H
#define QUOIN_MAILDIR_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "qlimits.h"

struct sbuf;

enum {
	FOLDER_NAME = 1024, /* bytes of a name in UTF-8 */
	FOLDER_LEVELS = 16,
	FOLDER_COMPONENT = 200,
	STORE_FOLDERS = 20000 /* LIST shows no more */
};

struct store {
	int root; /* the Maildir */
};

enum folder_bits {
	FOLDER_EXISTS = 1,   /* can be selected */
	FOLDER_CHILDREN = 2, /* something lies below it */
	FOLDER_SUBSCRIBED = 4,
	FOLDER_DRAFTS = 8,
	FOLDER_SENT = 16,
	FOLDER_JUNK = 32,
	FOLDER_TRASH = 64,
	FOLDER_ARCHIVE = 128,
	FOLDER_FLAGGED = 256,
	FOLDER_ALL = 512,
	FOLDER_MARKED = 1024 /* new/ is not empty */
};
enum {
	FOLDER_USES = FOLDER_DRAFTS | FOLDER_SENT | FOLDER_JUNK | FOLDER_TRASH |
		      FOLDER_ARCHIVE | FOLDER_FLAGGED | FOLDER_ALL
};

struct folder {
	const char *name; /* UTF-8 */
	unsigned bits;
};

/* Made, mode 0700, if it is missing; its path as in deliver.h. */
__attribute__((warn_unused_result)) int store_open(struct store *s, int base,
						   const char *path);
void store_close(struct store *s);

/* The canonical name (INBOX in capitals; a trailing "." removed): out has FOLDER_NAME + 1. */
__attribute__((warn_unused_result)) int folder_canon(char *out, const char *name,
						     size_t n);

/* A descriptor of the folder's directory; make: see folder_create. */
__attribute__((warn_unused_result)) int folder_open(const struct store *s,
						    const char *name);
/* use: 0 or one of FOLDER_USES. */
__attribute__((warn_unused_result)) int folder_create(const struct store *s,
						      const char *name, unsigned use);
__attribute__((warn_unused_result)) int folder_delete(const struct store *s,
						      const char *name);
/* With all below it. INBOX: its messages move, the folder stays (RFC 9051 6.3.6). */
__attribute__((warn_unused_result)) int folder_rename(const struct store *s,
						      const char *from, const char *to);
__attribute__((warn_unused_result)) int folder_subscribe(const struct store *s,
							 const char *name, int on);

/* All folders, parents that do not exist among them, in a sorted array: each folder stands
 * before those below it, INBOX first. With subscribed names that no longer exist if all.
 * marked: look whether new/ is empty, a call a folder. */
struct folders {
	struct folder *folder;
	size_t n;
	char *names; /* own */
};
__attribute__((warn_unused_result)) int
folders_read(struct folders *f, const struct store *s, int all, int marked);
void folders_free(struct folders *f);

/* A UIDVALIDITY higher than any that was given in this Maildir before (box.h asks, for a folder
 * without quoin-uids; dir is the folder's). Never 0. */
uint32_t store_validity(int dir);
/* Another server gave this one: none below it will be given. */
void store_validity_seen(int dir, uint32_t v);

#endif
