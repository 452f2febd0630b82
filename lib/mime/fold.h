/* fold: letters whose case does not matter (i;unicode-casemap, RFC 5051, by utf8proc), and
 * finding one such text in another.
 *
 * fold_text(): appends the folded form of UTF-8 (bytes that are no UTF-8 become U+FFFD); ASCII takes a
 * short way. needle_init() folds once; needle_in() looks into UTF-8 that is not yet folded.
 * Owner:  needle_free().
 * Errors: -1 with ENOMEM, EMSGSIZE.
 */
#ifndef QUOIN_MIME_FOLD_H
#define QUOIN_MIME_FOLD_H

#include <stddef.h>

#include "sbuf.h"

enum { NEEDLE_MAX = 4096 };

struct needle {
	char *p; /* folded */
	size_t n;
	int is_ascii;
};

__attribute__((warn_unused_result)) int fold_text(struct sbuf *out, const char *p,
						  size_t n);
__attribute__((warn_unused_result)) int needle_init(struct needle *k, const char *p,
						    size_t n);
void needle_free(struct needle *k);
/* 1 it is in there, 0 it is not, -1. The empty needle is everywhere. */
int needle_in(const struct needle *k, const char *p, size_t n);

#endif
