/* fold: letters whose case does not matter, and finding one such text in another.
 *
 * The form of i;unicode-casemap (RFC 5051) by utf8proc: each character by itself becomes its
 * title case, that is decomposed (compatibility forms too), and its parts become their title
 * case once more, so that a ligature equals its letters. ASCII: a to z become A to Z. So é
 * equals e with an accent, and holds e; ß is no ss.
 * fold_text(): appends the folded form of UTF-8 (bytes that are no UTF-8 become U+FFFD).
 * fold_some(): the same into out, as far as room (FOLD_ONE or more) lets it; *p is moved.
 * needle_init() folds once; needle_in() looks into UTF-8 that is not yet folded, needle_find()
 * into what is ASCII or folded.
 * Owner:  needle_free(); looking allocates nothing.
 * Errors: -1 with ENOMEM, EMSGSIZE (a needle of more than NEEDLE_MAX bytes, folded).
 */
#ifndef QUOIN_MIME_FOLD_H
#define QUOIN_MIME_FOLD_H

#include <stddef.h>

#include "sbuf.h"

enum { NEEDLE_MAX = 4096, FOLD_ONE = 128 };

struct needle {
	char *p; /* folded */
	size_t n;
	int is_ascii;
	size_t rare[2]; /* places of bytes that are seldom met */
};

__attribute__((warn_unused_result)) int fold_text(struct sbuf *out, const char *p,
						  size_t n);
size_t fold_some(char *out, size_t room, const char **p, const char *end);

__attribute__((warn_unused_result)) int needle_init(struct needle *k, const char *p,
						    size_t n);
void needle_free(struct needle *k);
/* 1 it is in there, 0 it is not. The empty needle is everywhere. */
int needle_in(const struct needle *k, const char *p, size_t n);
int needle_find(const struct needle *k, const char *p, size_t n);

#endif
