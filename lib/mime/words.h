/* words: encoded words (RFC 2047; with a language, RFC 2231 5) of a header field's body to
 * UTF-8.
 *
 * Appends to out. Blanks between two encoded words go; a word whose charset or encoding we
 * do not know stays as it is; raw 8-bit is taken as UTF-8 if it is that, else as windows-1252. Linear.
 * Errors: -1 as sbuf_cat().
 */
#ifndef QUOIN_MIME_WORDS_H
#define QUOIN_MIME_WORDS_H

#include <stddef.h>

struct sbuf;

__attribute__((warn_unused_result)) int words_decode(struct sbuf *out, const char *p,
						     size_t n);

/* One line of ASCII without encoded words: decoded it is the same. */
int words_are_plain(const char *p, size_t n);

#endif
