/* box: one mailbox (a Maildir or one folder of it) as one session sees it.
 *
 *	box_open(&b, dir, BOX_CLAIM)		(dir: a descriptor of the folder; stays open)
 *	n = b.count; m = box_at(&b, i)		(i: 0 to count - 1, ascending uids)
 *	box_sync(&b)				look at the disk: what did others do?
 *	... tell the client; box_told(m), box_drop_gone(&b) ...
 *	box_close(&b)
 *
 * The list is the session's: a message that is gone stays in it, marked MSG_GONE, until
 * box_drop_gone(); one that came is appended by box_sync() alone. So ordinals (an IMAP
 * sequence number less one) change when the session says so and at no other time.
 * Files (ARCHITECTURE.md, "The mailbox"): quoin-uids is durable and append-only, written
 * under quoin-lock; quoin-index is a snapshot that may be lost; quoin-cache is cache.h's.
 * Every uid that box_at() shows is durable. A modseq that was shown never belongs to another
 * state; what others change gets a new one.
 * Time:   box_open and box_sync cost no more than a few calls if nothing has changed.
 * Owner:  box_close() after a box_open() that gave 0. A struct msg pointer is good until the
 *	   next call that is not box_at() of the same 64 messages' neighbourhood: do not keep
 *	   pointers, keep ordinals.
 * Errors: -1 with errno, always temporary; EBUSY: others held the lock for 30 s. EROFS,
 *	   ENOSPC, EDQUOT, EIO as they come. The list stays as it was. ESTALE: quoin-uids was
 *	   damaged or replaced, the folder has another UIDVALIDITY now: close it, open anew.
 */
#ifndef QUOIN_MAILDIR_BOX_H
#define QUOIN_MAILDIR_BOX_H

#include <stddef.h>
#include <stdint.h>

#include "maildir/name.h"

struct sbuf;

enum {
	BOX_KEYWORDS = 64,     /* names of keywords in one mailbox */
	BOX_KEYWORD = 128,     /* bytes of one */
	BOX_EXPUNGES = 100000, /* runs of expunged uids remembered; below: the floor */
	BOX_MESSAGES = 4000000
};

enum msg_state {                  /* struct msg.state */
		 MSG_GONE = 1,    /* expunged, by anybody; box_drop_gone() takes it out */
		 MSG_CHANGED = 2, /* flags, keywords or modseq are not what was told */
		 MSG_RECENT = 4,  /* this session moved it out of new/ (BOX_CLAIM) */
		 MSG_NEW = 8,     /* lies in new/ */
		 MSG_SIZED = 16   /* size is counted, not taken from the name */
};

struct msg {
	uint32_t uid;
	uint16_t flags;    /* enum msg_flag */
	uint16_t state;    /* enum msg_state */
	uint64_t keywords; /* bit i: box_keyword(b, i) */
	uint64_t modseq;
	uint32_t size; /* in CRLF form (RFC822.SIZE); 0: not known yet, box_size() */
	uint32_t hash; /* of the base name; box's own */
	int64_t
	    date; /* INTERNALDATE (mtime), seconds; INT64_MIN: not known yet, box_date() */
	int64_t saved;    /* SAVEDATE: when it got its uid */
	uint64_t cache;   /* cache.h's: where its record is, 0 none */
	const char *name; /* of the file, NUL-ended */
};

struct box {
	int dir, new_, cur;
	int flags;     /* of box_open */
	size_t count;  /* messages in the list, MSG_GONE ones too */
	size_t gone;   /* of these, MSG_GONE */
	size_t recent; /* of these, MSG_RECENT */
	uint32_t uidvalidity, uidnext;
	uint64_t highestmodseq; /* of all that was told or will be told now */
	uint64_t generation;    /* of quoin-cache, for cache.h */
	uint64_t cache_seen;    /* cache.h: how much of it the index knows */
	struct box_list *list;  /* box's own */
	struct box_log *log;
	struct box_words *words;
};

/* flags */
enum {
	BOX_CLAIM =
	    1, /* move what is in new/ to cur/; whose rename() works has it as recent */
	BOX_MAKE = 2 /* make new/, cur/, tmp/ if they are missing */
};

/* Once in a program's start, before its sandbox: reads the kernel's boot id, by which a
 * box knows whether unsynced records can have been lost. */
void box_boot(void);

/* dir becomes the box's if the answer is 0. */
__attribute__((warn_unused_result)) int box_open(struct box *b, int dir, int flags);
void box_close(struct box *b);
__attribute__((warn_unused_result)) int box_sync(struct box *b);

/* Write the index if that pays (box_close does too). */
void box_checkpoint(struct box *b);

/* Before a long wait (IDLE): lets go of what can be read again. */
void box_rest(struct box *b);

/* What an administrator might want to know ("two files of one name", "no plain file", a
 * name as it is on disk, unclean); the program may set it. */
extern void (*box_warn)(const char *what, const char *name);

/* NULL with errno when the message's part of the index could not be read, and the
 * folder neither. */
struct msg *box_at(struct box *b, size_t i);

/* The ordinal of the first message with at least this uid; count if there is none. */
size_t box_find(struct box *b, uint32_t uid);

/* ---- counts, O(1) where the index has them ---- */
struct box_counts {
	uint32_t unseen, deleted, in_new;
	size_t first_unseen; /* ordinal; count if none */
	uint64_t bytes;      /* sum of sizes; sizes not known are looked up */
};
__attribute__((warn_unused_result)) int box_counts(struct box *b, struct box_counts *c,
						   int with_bytes);

/* ---- what was told ---- */
void box_told(struct msg *m); /* takes MSG_CHANGED away */
size_t box_next_changed(struct box *b,
			size_t from); /* ordinal, or count; cheap if none */
size_t box_next_gone(struct box *b, size_t from);
/* The first from there on with a modseq above since, or count; passes over what the index
 * says is older (CHANGEDSINCE, SEARCH MODSEQ). */
size_t box_next_since(struct box *b, size_t from, uint64_t since);
void box_drop_gone(struct box *b);

/* ---- expunged uids since a modseq (QRESYNC) ----
 * 0: ran over all runs [lo, hi] with a modseq above since; 1: since is below the floor, the
 * caller must name every uid of its set that is not in the list. each returns 0 to go on. */
int box_vanished(struct box *b, uint64_t since,
		 int (*each)(void *arg, uint32_t lo, uint32_t hi), void *arg);

/* ---- keywords ---- */
const char *box_keyword(const struct box *b, unsigned bit); /* NULL: no such */
/* The bit of a name (any case), made if make; -1 with ENOENT, or EMLINK: there are 64. */
int box_keyword_bit(struct box *b, const char *name, int make);

/* ---- one message's file ---- */
/* Read only, regular, O_NOFOLLOW; follows it when another program has renamed it. ENOENT: it
 * is gone (MSG_GONE is set). EINVAL: it is no regular file. */
__attribute__((warn_unused_result)) int box_message(struct box *b, size_t i);
/* The same of whatever file it is, for who reads by pread(): that refuses FIFOs and directories. */
__attribute__((warn_unused_result)) int box_message_unseen(struct box *b, size_t i);
/* Fill m->size (reads the file if the name does not say it, or says it wrongly) or m->date. */
__attribute__((warn_unused_result)) int box_size(struct box *b, size_t i);
__attribute__((warn_unused_result)) int box_date(struct box *b, size_t i);
/* The true size in CRLF form, from somebody who has read all of it. */
void box_learn_size(struct box *b, size_t i, uint32_t size);
/* Set m->cache; not by hand, or it is forgotten. */
void box_learn_cache(struct box *b, size_t i, uint64_t offset);

/* ---- changes; all durable when they return 0, in one lock and one sync ----
 * at: ordinals, ascending. A message that is gone is left out, and marked. */
enum box_how { BOX_ADD, BOX_REMOVE, BOX_REPLACE };
struct box_store {
	enum box_how how;
	unsigned flags;
	uint64_t keywords;
	uint64_t unchangedsince; /* UINT64_MAX: whatever it is */
	/* out: called for each that has a higher modseq; may be NULL */
	void (*modified)(void *arg, size_t i);
	void *arg;
};
__attribute__((warn_unused_result)) int box_store(struct box *b, const uint32_t *at,
						  size_t n, const struct box_store *s);
__attribute__((warn_unused_result)) int box_expunge(struct box *b, const uint32_t *at,
						    size_t n);

/* Copy or move into the folder of descriptor to (which stays the caller's): all or none.
 * Copies are hard links where the file system can, flags and keywords and date are kept.
 * uids in the order of at: first, first + 1, …; done: how many (those gone are left out,
 * and at[] is shortened to those that were done). quota.h is asked by the caller. */
struct box_copied {
	uint32_t uidvalidity, first;
	size_t done;
};
__attribute__((warn_unused_result)) int
box_copy(struct box *b, uint32_t *at, size_t n, int to, int move, struct box_copied *out);

/* ---- a folder that is not open (STATUS, APPEND) ---- */
/* New messages: files that lie, synced, in tmp/ of the folder. They are renamed into
 * cur/ under the names given, get uids one after another, all durable. Used by put.h. */
struct box_arrival {
	const char *tmp;  /* name in tmp/ */
	const char *base; /* BASE,FIELDS */
	unsigned flags;
	const char *const *keywords; /* NULL-ended, or NULL */
};
/* kept: NULL, or what is known of the folder stays for the next arrival there: *kept is
 * NULL at first, then the caller's, and good for any folder. Its descriptor is of quoin-uids. */
struct box_kept;
__attribute__((warn_unused_result)) int box_arrive(int dir, const struct box_arrival *a,
						   size_t n, struct box_copied *out,
						   struct box_kept **kept);
void box_forget(struct box_kept *kept);

/* UIDs and words of another server, for a folder that has no quoin-uids yet (takeover.h):
 * EEXIST if it has. at most BOX_KEYWORDS names; has_letters: a to z in files' names are the
 * first 26 of them. */
struct box_taken {
	const char *base;
	uint32_t uid;
	const char *uidl; /* POP3's, or NULL */
	uint64_t keywords;
};
struct box_takeover {
	uint32_t uidvalidity, uidnext;
	const char *words[BOX_KEYWORDS]; /* names of keywords, or NULL */
	int has_letters;
	const struct box_taken *msg;
	size_t n;
};
__attribute__((warn_unused_result)) int box_take_over(int dir,
						      const struct box_takeover *t);

/* POP3's UIDL of a message if it was taken over: 1 and out (71 bytes) filled, or 0. */
int box_uidl(struct box *b, size_t i, char out[71]);

#endif
