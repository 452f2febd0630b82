/* journal: state/ID, what must be remembered of a message beside its queue file.
 *
 *	file   = "quoin-s2" *record		("quoin-s1" knew K D Z A alone)
 *	record = length:u16 body sum:16 bytes
 *	body   = "K" index:u32			recipient delivered, nothing to tell
 *	       | "S" index:u32 text NUL		delivered, and this is to be told
 *	       | "R" index:u32 text NUL		the same: passed on to a host that won't
 *						tell
 *	       | "X" index:u32 text NUL		the same: forwarded to several addresses
 *	       | "D" index:u32 text NUL		never, and why
 *	       | "Z" index:u32 text NUL		later, and why ("": as the Z before it)
 *	       | "A" channel:u8 time:u64	an attempt ended, wall clock
 *	       | "W" time:u64			the sender was told of the delay
 *	       | "H" held:u8			1: held by the keeper, 0: released
 *
 * Integers are big-endian; index counts the envelope's recipients from 0; the last
 * record of a recipient counts. The sum (sum.h) is over the id, the record's offset
 * in the file (u64), length and body, so that stale blocks of another file never
 * pass. The file is only appended to. What stands behind the last whole record is a
 * torn tail: overwritten by the next append, so at most a delivery is repeated.
 */
#ifndef QUOIN_JOURNAL_H
#define QUOIN_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "sbuf.h"

enum {
	JOURNAL_BYTES = 16 * 1024 * 1024, /* more is not read */
	JOURNAL_CHATTY = 1024 * 1024,     /* from here on no Z and no A is written */
};

struct journal_record {
	char what; /* K S R X D Z A W H */
	uint32_t index;
	const char *text; /* S, R, X, D, Z */
	uint8_t channel;  /* A */
	uint64_t time;    /* A, W */
	uint8_t held;     /* H */
};

/* Is it about a recipient: has it an index? */
int journal_of_rcpt(const struct journal_record *r);

/* Delivered, whether that is to be told or not. */
int journal_is_good(char what);

/* Called for each whole record of n bytes at p; the length of what is whole. */
typedef void journal_take(void *arg, const struct journal_record *r);
size_t journal_parse(const char *p, size_t n, const char *id, journal_take *take,
		     void *arg);

/* Read the open file to its end. 0 with *len (bytes that are whole) and *size (all),
 * or -1 with errno. */
int journal_read(int fd, const char *id, journal_take *take, void *arg, uint64_t *len,
		 uint64_t *size);

/* Append a record to b, for a file whose first byte to be written is at offset. */
__attribute__((warn_unused_result)) int journal_put(struct sbuf *b, const char *id,
						    uint64_t offset,
						    const struct journal_record *r);

/* An open journal. fd -1: not opened; len is then 0. */
struct journal {
	int fd;
	uint64_t len;
	uint64_t cut;      /* bytes of a torn tail that journal_open() took off */
	int unsynced_name; /* made by us, its directory not synced yet */
};

/* Open state/ID below dir if there is one: 1, 0 if there is none, -1 with errno. */
int journal_open(struct journal *j, int dir, const char *id, journal_take *take,
		 void *arg);

/* Write records that journal_put() made for j->len, not synced; the file is made
 * if there is none. -1 with errno: nothing was added. */
int journal_append(struct journal *j, int dir, const char *id, const struct sbuf *b);

void journal_close(struct journal *j);

#endif
