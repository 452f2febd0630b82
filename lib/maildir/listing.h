/* listing: what folders_read() gathers before it is an answer. */
#ifndef QUOIN_MAILDIR_LISTING_H
#define QUOIN_MAILDIR_LISTING_H

#include <stdint.h>

#include "maildir/store_int.h"
#include "sbuf.h"

/* Names stand in one buffer, which moves as it grows: until the end a folder's name is
 * its offset. */
struct entry {
	uint32_t at;
	unsigned bits;
};

struct listing {
	struct sbuf names;
	struct sbuf entries;
	struct sbuf out; /* struct entry, parents among them */
	size_t n;
	size_t hidden; /* directories that are no folders for us */
	char first_hidden[STORE_NAME + 1];
	int unfinished; /* a rename */
	int litter;
};

/* entries[]: INBOX and all directories that are folders, in no order, twice perhaps. What a
 * killed process left half done is finished first, if that can be. */
int listing_scan(struct listing *l, const struct store *s);
/* One more entry in to, which is l->entries or l->out. */
int listing_add(struct listing *l, struct sbuf *to, const char *name, size_t n,
		unsigned bits);

#endif
