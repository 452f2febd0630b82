/* set: sequence sets (RFC 9051 sequence-set), and lists of uids to print.
 *
 * Read as ranges with numbers up to 2^32 - 1 (more, and 0, are refused), sorted and joined, so that
 * "1:*,1:*,…" costs no more than its bytes. "*" is resolved with what the caller says is the last;
 * "$" is the saved result (SEARCHRES).
 * Owner:  set_free(); a set holds at most SET_RANGES ranges.
 */
#ifndef QIMAPD_SET_H
#define QIMAPD_SET_H

#include <stddef.h>
#include <stdint.h>

#include "take.h"

enum { SET_RANGES = 1000000 };

struct range {
	uint32_t lo, hi;
};

struct set {
	struct range *r;
	size_t n, cap;
	int is_saved; /* it was "$" */
};

/* last: what "*" means, 0: there is none, then "*" is a number that nobody has. -1: no set, or
 * ENOMEM. s is empty or was used before. */
int set_read(struct set *s, struct words *w, uint32_t last);
int set_add(struct set *s, uint32_t lo, uint32_t hi); /* ascending or not */
void set_sort(struct set *s);
int set_has(const struct set *s, uint32_t n);
void set_clear(struct set *s);
void set_free(struct set *s);
void set_put(const struct set *s); /* "1:3,7" to the client */
/* The same appended; -1 as sbuf_cat(). */
struct sbuf;
int set_cat(struct sbuf *b, const struct set *s);

/* The messages that a set names in the open mailbox, as ascending ordinals (for box.h): by
 * sequence numbers (-1 with EINVAL: one is beyond the last) or by uids (those that there are). The array is
 * malloc'd: the caller's. MSG_GONE ones are among sequence numbers' and left out of uids'. */
int set_ordinals(const struct set *s, int by_uid, uint32_t **at, size_t *n);

#endif
