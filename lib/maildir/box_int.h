/* box_int: what the units of box share (ARCHITECTURE.md, "The mailbox"). For box*.c, and
 * for the tests of its parts.
 *
 * The list: blocks of up to BLOCK messages, read from the index when they are touched
 * (m is NULL before). list->n messages are known; box.count of them are shown: those behind
 * came in by a record of another session, and box_sync() shows them.
 * Errors: -1 with errno, as in box.h.
 */
#ifndef QUOIN_MAILDIR_BOX_INT_H
#define QUOIN_MAILDIR_BOX_INT_H

#include <stdint.h>
#include <sys/types.h>

#include "cursor.h"
#include "maildir/box.h"
#include "sbuf.h"
#include "sum.h"

enum {
	BLOCK = 256,            /* messages */
	BLOCKS_KEPT = 32,       /* clean ones in memory */
	BOOT_LEN = 16,          /* bytes of the kernel's boot id */
	RECORD_ITEMS = 10000,   /* messages of one record */
	RECORD_MAX = 0x400000,  /* bytes of its body; 10,000 names of 255 bytes fit */
	LOG_HEAD = 48,          /* bytes of the file's head */
	RECORD_HEAD = 16,       /* mark, length, safe */
	LEASE = 1024,           /* modseqs taken ahead */
	WARNINGS = 16,          /* of one session, about names */
	LOCK_MS = 30000,        /* then EBUSY */
	INDEX_BLOCKS = 1 << 15, /* of an index that is read */
	MTIME_PROOF_MS = 2000,  /* a directory older than this when it was read */
	MTIME_TICK_MS = 20,     /* the same, where clocks are as fine as Linux's */
};

extern uint8_t boxboot[BOOT_LEN];
void boxwarn(const char *what, const char *name);

/* Of a base name; of any bytes, for what an accident of the disk may change. */
uint32_t boxsum_name(const char *p, size_t n);
uint64_t boxsum_bytes(const void *p, size_t n);

/* ---- quoin-uids: box_log.c, box_record.c, box_items.c ---- */

struct box_words {
	char *name[BOX_KEYWORDS]; /* NULL: not given */
};

struct box_log {
	int dir;  /* the folder's; not ours */
	int fd;   /* -1: there is no file */
	int lock; /* quoin-lock, -1 before it is needed */
	int held;
	int unnamed; /* a new file: boxlog_sync() makes it quoin-uids */
	dev_t dev;
	ino_t ino;
	uint64_t nonce, prev; /* this file's; that of the one it replaced */
	uint64_t base;        /* where its compacted part ends */
	uint64_t off;         /* all before this is known */
	uint64_t safe; /* and synced before this, and its name; 0: nobody says so */
	uint64_t must; /* its head, or the index, says: it was as long as this */
	uint8_t sum[SUM_LEN]; /* of the record before off */
	uint32_t uidvalidity, uidnext;
	uint64_t modseq; /* the highest in use */
	uint64_t floor;  /* expunges are known above this */
	uint64_t lease;  /* modseqs up to this may be in use, in records not synced */
	uint8_t lease_boot[BOOT_LEN];
	int has_uidl;
	uint32_t last; /* uid of the last M */
	struct box_words words;
};

/* An item of a record, and its entries one after another. */
struct box_item {
	char what; /* S A M X F K W N L U T: box_items.c */
	uint64_t modseq;
	int64_t saved;
	uint32_t n;      /* entries left */
	struct cursor c; /* at the next one */
};
struct box_entry {
	uint32_t uid; /* X: the first of a run; W: the bit; S: uidvalidity */
	uint32_t hi;  /* X: the last; S: uidnext */
	uint8_t flags;
	int in_new;
	uint64_t modseq, keywords; /* S: modseq, floor; L: keywords is the limit */
	int64_t saved;
	const char *text; /* not NUL-ended; L: the boot id; T: times */
	size_t len;
};
enum { ITEM_IN_NEW = 0x80 };

/* The next item of a body: 1, 0 at its end, -1 with EBADMSG (or EPROTO: a letter of a
 * later version). */
int boxitem_take(struct cursor *body, struct box_item *item);
/* The next entry: 1, 0, or -1 with EBADMSG. */
int boxitem_next(struct box_item *item, struct box_entry *e);
/* Begin an item; its number of entries is set by boxitem_end(). */
int boxitem_begin(struct sbuf *b, char what, uint64_t modseq, int64_t saved,
		  size_t *mark);
int boxitem_put(struct sbuf *b, char what, const struct box_entry *e);
void boxitem_end(struct sbuf *b, size_t mark, uint32_t n);

/* Called for each item of a record that is whole; its state is the log's already. */
typedef int boxlog_take(void *arg, struct box_item item);

/* 0; fd is -1 if there is no file. The log has read nothing but the head. */
int boxlog_open(struct box_log *l, int dir);
int boxlog_reopen(struct box_log *l); /* the lock stays */
void boxlog_close(struct box_log *l);
/* It ends before what was durable once. */
int boxlog_is_short(const struct box_log *l);
void boxlog_shut(struct box_log *l); /* the file alone */
/* What others have appended. -1 with ESTALE: another file is there, which does not follow
 * from what we know. news: how many records. */
int boxlog_read(struct box_log *l, boxlog_take *take, void *arg, unsigned *news);
/* The one lock; what was appended until then is read, a torn tail taken off. Makes the
 * file if there is none. */
int boxlog_lock(struct box_log *l, boxlog_take *take, void *arg);
int boxlog_try_lock(struct box_log *l);   /* the same, at once or not */
int boxlog_lock_alone(struct box_log *l); /* nothing is read or made */
void boxlog_unlock(struct box_log *l);
/* A modseq that nobody knows; the lease for it is written if it must be. */
int boxlog_modseq(struct box_log *l, int synced, uint64_t *modseq);
/* Append a record: begin, items, write. On -1 the file is as it was. What was written is
 * given to take as if it came from others. */
int boxlog_begin(struct sbuf *b);
int boxlog_write(struct box_log *l, struct sbuf *b, int sync, boxlog_take *take,
		 void *arg);
int boxlog_sync(struct box_log *l);
/* Take the items of a whole body into the log's state, then give them to take. */
int boxlog_apply(struct box_log *l, const char *body, size_t n, boxlog_take *take,
		 void *arg);
void boxlog_words_free(struct box_words *w);

/* box_record.c: one record with its checksum. */
struct box_record {
	uint64_t safe;
	const char *body;
	size_t len;
	const char *sum;
};
/* 1: whole, of record_len bytes; 0: not whole, more bytes might help (want of them);
 * -1: none. */
int boxrecord_read(const char *p, size_t n, uint64_t nonce, uint64_t off,
		   struct box_record *r, size_t *want);
void boxrecord_seal(struct sbuf *b, uint64_t nonce, uint64_t off, uint64_t safe);
void boxrecord_head(char out[LOG_HEAD], uint64_t nonce, uint64_t prev, uint64_t base);
int boxrecord_read_head(const char p[LOG_HEAD], uint64_t *nonce, uint64_t *prev,
			uint64_t *base);
/* The UIDVALIDITY that a quoin-uids begins with, 0: none that can be read. */
uint32_t boxrecord_validity(int fd);
/* Does a record behind the bad one at p say that it was durable? */
int boxrecord_is_damage(const char *p, size_t n, uint64_t nonce, uint64_t off);

/* box_make.c: a new quoin-uids; commit makes it durable and the log's. A body begins with
 * boxlog_begin(); boxfile_record() begins the next one. */
struct box_file {
	int dir, fd;
	uint64_t nonce, off;
	uint8_t sum[SUM_LEN];
};
int boxfile_begin(struct box_file *f, int dir);
int boxfile_record(struct box_file *f, struct sbuf *b);
int boxfile_commit(struct box_file *f, struct box_log *l);
void boxfile_abort(struct box_file *f);
/* A new one that nobody sees before boxlog_sync(), which gives it its name and makes both
 * durable, with all that was appended, or removes it; as boxlog_unname() does before. Until
 * then the lock is held. */
int boxlog_create(struct box_log *l, uint32_t uidvalidity, uint32_t uidnext);
int boxlog_name(struct box_log *l);
void boxlog_unname(struct box_log *l);

/* box_batch.c: entries of any kinds, as items of as few records as they fit in, each of a
 * modseq of its own. synced: durable at the end. */
struct box_batch {
	struct box_log *log;
	int synced;
	boxlog_take *take;
	void *arg;
	struct sbuf record;
	uint64_t modseq; /* of the record at work */
	char what;
	size_t mark;
	uint32_t n;
};
int boxbatch_begin(struct box_batch *t, struct box_log *log, int synced,
		   boxlog_take *take, void *arg);
int boxbatch_put(struct box_batch *t, char what, int64_t saved,
		 const struct box_entry *e);
int boxbatch_end(struct box_batch *t); /* frees it too */
void boxbatch_abort(struct box_batch *t);

/* ---- the list: box_list.c ---- */

struct box_tally { /* of some messages */
	uint32_t unseen, deleted, in_new, unsized, gone;
	uint64_t bytes, modseq; /* the highest */
};

struct box_block {
	struct msg *m; /* NULL: in the index alone */
	char *names;   /* slots: room:u8 name NUL */
	uint32_t n, room;
	uint32_t names_len, names_room;
	uint32_t first; /* ordinal of its first message */
	uint32_t first_uid, last_uid;
	struct box_tally tally; /* right unless stale */
	uint32_t index_names,
	    hash_first; /* in the index: bytes of names; ordinal there */
	uint8_t dirty;  /* not what the index has */
	uint8_t stale;
	uint8_t changed; /* there may be MSG_CHANGED in it */
	uint64_t at;     /* where it begins in the index; 0 nowhere */
	uint64_t check;
};

struct box_list {
	struct box_block *block;
	size_t blocks, room;
	size_t n;      /* messages */
	size_t last;   /* block of the last look */
	size_t loaded; /* clean blocks in memory */
	int pinned;    /* none may go */
	int fd;        /* the index; -1 */
	size_t hand;   /* of the clock that lets blocks go */
	uint64_t hashes_at;
	int dir;                 /* the folder's, to make anew what is damaged */
	uint64_t index_modseq;   /* when the index was written */
	struct box_state *spare; /* what the log says, for that */
	size_t learned;          /* changes that the index does not have */
};

void boxlist_init(struct box_list *l);
void boxlist_free(struct box_list *l);
struct msg *boxlist_at(struct box_list *l, size_t i);
/* The block that holds i, loaded; *k: the place in it. */
struct box_block *boxlist_block(struct box_list *l, size_t i, size_t *k);
struct box_block *boxlist_which(struct box_list *l, size_t i);
int boxlist_append(struct box_list *l, const struct msg *m, const char *name);
/* box_names.c: a slot with room for all flags; NULL: no memory. */
const char *boxnames_add(struct box_block *b, const char *name);
int boxlist_set_name(struct box_list *l, size_t i, const char *name);
/* First ordinal with at least this uid. */
size_t boxlist_find(struct box_list *l, uint32_t uid);
/* To change it: its block is dirty and stale; boxlist_change(): MSG_CHANGED may be set. */
struct msg *boxlist_learn(struct box_list *l, size_t i);
struct msg *boxlist_change(struct box_list *l, size_t i);
/* Those that are gone, from an ordinal on. */
void boxlist_drop_gone(struct box_list *l, size_t from);
const struct box_tally *boxlist_tally(struct box_block *b);
void boxlist_count(struct box_tally *t, const struct msg *m);
void boxlist_rest(struct box_list *l, size_t keep);

/* ---- expunged runs: box_vanished.c ---- */
struct box_run {
	uint64_t modseq;
	uint32_t lo, hi;
};
struct box_state;
int boxruns_all(const struct box_state *s, struct box_run **out, size_t *n);
int boxruns_read(const struct box_state *s, struct box_run **out, size_t *n);

/* ---- directories: box_dir.c ---- */
enum { DIR_NONE, DIR_TICK, DIR_PROOF }; /* how sure is it that nothing has changed? */
struct box_times {
	uint64_t ino;
	int64_t mtime, ctime; /* nanoseconds */
};
struct box_watched {
	struct box_times t;
	int level;
	size_t entries; /* when it was last read */
};
int boxdir_times(int fd, struct box_times *t);
int boxdir_level(const struct box_times *t);
int boxdir_same(const struct box_times *a, const struct box_times *b);
/* Names that do not begin with a dot. is_file: 1, 0 something else, -1 the file system does
 * not say. 0 to go on. */
typedef int boxdir_each(void *arg, const char *name, int is_file);
int boxdir_read(int fd, boxdir_each *each, void *arg);
/* Rename without replacing anything. */
int boxdir_move(int from, const char *name, int to, const char *as);
/* Copy a file's bytes and time by way of tmp; durable, but for the name. */
int boxdir_copy(int from_dir, const char *from, int tmp, int dir, const char *to);
/* A name with a base that nobody has, the fields and letters of another, and these flags. */
int boxdir_fresh(char out[MSG_NAME + 1], const char *like, unsigned flags);

/* box_index.c: fill a block that is in the index alone. */
int boxindex_load(struct box_list *l, struct box_block *b);
/* A log that has read nothing begins where the index ends, if there is a good one. */
void boxindex_start(struct box_log *l);
/* The same for a session: log and list. */
void boxindex_use(struct box *b);
struct index_head;
void boxindex_saved(struct box *b, const struct index_head *h);
/* Hashes of the bases of a block that is not in memory. */
int boxindex_hashes(const struct box_list *l, const struct box_block *b, uint32_t *out);
/* box_repair.c: a block that cannot be read. */
int boxrepair(struct box_list *l, struct box_block *b);
void boxrepair_free(struct box_state *s);

/* ---- what a session is: box_sync.c ---- */
struct box_state {
	struct box_list list;
	struct box_log log;
	struct box_watched new_, cur;
	struct box_run *runs; /* expunged, of records behind what the index knows */
	size_t nruns, runs_room;
	uint64_t index_off; /* what the index knows of the log */
	int index_proof;    /* and that cur/ need not be read */
	uint64_t index_runs, index_runs_at, index_runs_check;
	struct box_uidls *uidls;   /* when somebody has asked */
	uint32_t warned[WARNINGS]; /* names that were warned of, as hashes */
	size_t warned_n;
	int unsynced; /* records were read that must be durable before they are told */
	int broken;   /* the list misses a record: it must be made anew */
};
static inline struct box_state *box_state(const struct box *b)
{
	return (struct box_state *)(void *)b->list;
}

/* A boxlog_take: what a record says, to the list. box_apply.c */
int boxapply(void *box, struct box_item item);
/* The log, with records of others taken into the list. */
int boxsession_read(struct box *b);
/* news: others had written something. */
int boxsession_lock(struct box *b, int *news);

/* box_words.c: under the lock. The bit of a name, given if it must be. */
int boxwords_find(const struct box_words *w, const char *name);
int boxwords_make(struct box_log *l, boxlog_take *take, void *arg, const char *name);

/* box_file.c: try the name that is known, or after ENOENT the one that a look finds. */
int boxfile_with(struct box *b, size_t i,
		 int (*try)(void *arg, int dir, const char *name), void *arg);
/* The same without any lock of this folder: looks counts down. ENOENT: it is not there. */
int boxfile_try(struct box *b, size_t i, int (*try)(void *arg, int dir, const char *name),
		void *arg, int *looks);

/* box_scan.c: what do the directories say? */
struct box_seen {      /* a file */
	uint32_t at;   /* ordinal, if known */
	uint32_t name; /* offset */
	uint8_t in_new;
	uint8_t base, info, flags; /* as msg_name_split() says */
};
struct box_seens {
	struct box_seen *p;
	size_t n, room;
};
struct box_look {
	struct sbuf names;
	uint8_t *seen;            /* a bit a message */
	struct box_seens renamed; /* known under another name or in the other directory */
	struct box_seens unknown;
	struct box_seens twice; /* a base that was seen before */
	size_t known_renamed;   /* of renamed, sorted by ordinal */
	size_t n;               /* messages when it began */
	size_t missing;
	int whole;  /* both directories */
	int flags;  /* some have other flags */
	int unsure; /* new/ alone does not tell */
	struct box_times new_t, cur_t;
	int new_level, cur_level;
	size_t new_n, cur_n;
};
int boxlook(struct box *b, struct box_look *l, int whole);
void boxlook_free(struct box_look *l);
int boxlook_is_seen(const struct box_look *l, size_t i);
int boxlook_keep(struct box_seens *to, struct box_seen seen);
/* Which of twice are messages of their own? The others leave it. box_twice.c */
int boxlook_judge(struct box *b, struct box_look *l);
/* The same of any two. */
enum box_twice {
	BOX_ALONE,
	BOX_FIRST,  /* the second is gone, or a link of the first */
	BOX_SECOND, /* the first is gone */
	BOX_BOTH
};
enum box_twice boxtwice(const struct box *b, const struct box_look *l,
			const struct box_seen *first, const struct box_seen *second);
/* Sort unknown by arrival; files of one base are neighbours. box_order.c */
int boxorder(struct box_look *l);
/* Look if there may be something, and write down what is new. */
int boxscan(struct box *b, int force);

/* box_commit.c: under the lock. earlier: a look before, or NULL */
int boxcommit(struct box *b, struct box_look *l, const struct box_look *earlier);
/* Where nothing need be written: other names alone. */
int boxcommit_names(struct box *b, const struct box_look *l);
void boxcommit_times(struct box *b, const struct box_look *l);

/* box_uidl.c: all that were taken over. */
struct box_uidls;
int boxuidl_read(int dir, struct box_uidls **out);
const char *boxuidl_find(const struct box_uidls *u, uint32_t uid);
void boxuidl_free(struct box_uidls *u);

/* box_compact.c: quoin-uids anew, if that pays; the lock is held. */
int boxcompact(struct box *b);
int boxcompact_pays(struct box *b);

/* box_reload.c: the log is another file, or the list misses something: what differs from
 * the list becomes changes. ESTALE: other uids. */
int boxreload(struct box *b);

/* box_times.c: the directories' times around changes that are made under the lock. */
struct box_changes {
	int new_, cur;
	int known;
	struct box_times new_t, cur_t;
};
void boxtimes_begin(struct box_changes *o, int new_, int cur);
int boxtimes_put(struct box_batch *t, const struct box_changes *o);
void boxtimes_take(struct box *b, const struct box_entry *e);
void boxtimes_unsure(struct box *b);

/* box_target.c: a folder that is not open: its log without a list, its directories. */
struct box_target {
	struct box_log log;
	int dir, tmp, new_, cur;
};
/* Locked. kept: of another arrival, or NULL; taken if it is of this folder's file. */
int boxtarget_open(struct box_target *t, int dir, struct box_kept *kept);
int boxtarget_open_new(struct box_target *t, int dir); /* EEXIST: there is a log */
void boxtarget_close(struct box_target *t);
/* The log stays, unlocked: *kept is made if it is NULL. */
void boxtarget_keep(struct box_target *t, struct box_kept **kept);

/* Records and syncs for n files that are in cur/ under a[i].base with a[i].flags. */
int boxarrive_write(struct box_target *t, const struct box_arrival *a,
		    const uint64_t *bits, size_t n, const struct box_changes *own);
/* Messages whose files are gone: under the lock. */
int boxexpunge_write(struct box *b, const uint32_t *at, size_t n);

#endif
