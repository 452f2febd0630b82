/* box_index: the file quoin-index, as box*.c see it. A snapshot of the list in the machine's own
 * integers: it may be deleted, damaged or another machine's at any time, and is then made
 * anew from quoin-uids and the directories.
 *
 *	head | blocks | hashes | runs | words, table of blocks
 *
 * Blocks are read when somebody looks at one of their messages; a session keeps the file
 * open, and who replaces it makes another.
 */
#ifndef QUOIN_MAILDIR_BOX_INDEX_H
#define QUOIN_MAILDIR_BOX_INDEX_H

#include "maildir/box_int.h"

#define INDEX_MAGIC "quoin-i1"

enum {
	INDEX_BLOCK_NAMES = BLOCK * (MSG_NAME + 2) * 4,
	INDEX_WORDS = 64 * (BOX_KEYWORD + 2)
};

struct index_head {
	char magic[8];
	uint64_t check; /* of all that follows */
	uint8_t boot[BOOT_LEN];
	uint64_t nonce, off, safe; /* of quoin-uids: what it knows */
	uint8_t sum[SUM_LEN];      /* of the last record */
	uint8_t lease_boot[BOOT_LEN];
	uint64_t modseq, floor, lease;
	uint32_t uidvalidity, uidnext, last, has_uidl;
	struct box_times new_t, cur_t;
	uint64_t new_n, cur_n;
	uint32_t new_proof, cur_proof;
	uint64_t generation, cache_seen;
	uint64_t messages, blocks, runs;
	uint64_t hashes_at, runs_at, runs_check, tail_at, tail_len, tail_check;
};

struct index_block {
	uint64_t at, check;
	uint32_t n, names_len, first_uid, last_uid;
	struct box_tally tally;
};

int boxindex_read_at(int fd, void *p, size_t n, uint64_t at);
/* Of a good index: its head, and the descriptor; -1 if there is none. */
int boxindex_open(int dir, struct index_head *h);
/* Is it a snapshot of this log's past? If so the log begins there. words: the index's. */
int boxindex_fits(struct box_log *l, const struct index_head *h);
/* The table of blocks becomes a list that has none in memory. */
int boxindex_table(struct box_list *l, const char *p, const struct index_head *h);
/* Where the other parts are; runs of records before are among them. */
void boxindex_sections(struct box *b, const struct index_head *h);
/* The session goes over to the index that it has just written. box_adopt.c */
void boxadopt(struct box *b, int fd, const struct index_head *h, const char *table);
void boxindex_set_log(struct box_log *l, const struct index_head *h);

#endif
