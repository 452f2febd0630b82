/* mime_param: Content-Type, Content-Disposition and their parameters (RFC 2045 5.1, 2183), taken
 * from a field's body as it lies on disk; for lib/mime alone.
 *
 * Comments and folding are passed over wherever they stand. A value without quotes goes on to the next
 * blank or semicolon, whatever is in it. What cannot be read is passed over up to the next semicolon.
 * Pure; spans point into p.
 */
#ifndef QUOIN_MIME_PARAM_H
#define QUOIN_MIME_PARAM_H

#include <stddef.h>

struct sbuf;

struct mime_span {
	const char *p;
	size_t n;
};

struct mime_param {
	struct mime_span name; /* without the stars of RFC 2231: */
	int extended; /* one stands behind it, the value is charset'language'%41 */
};

struct mime_words {
	const char *p;
	size_t n;
	size_t at;
};

void mime_words_init(struct mime_words *w, const char *p, size_t n);

/* "text/plain": 0, or -1: it is nothing of the kind. */
int mime_words_type(struct mime_words *w, struct mime_span *type, struct mime_span *sub);
/* "attachment": 0 or -1. */
int mime_words_token(struct mime_words *w, struct mime_span *token);
/* 1 a parameter, 0 the end, -1 as sbuf_cat(). Its value, without quotes, backslashes and line ends, is all
 * of scratch. Continuations (RFC 2231 3) that stand in their order, each beside the next, are one
 * parameter, as RFC 9051 7.5.2 wants it; others are given as they come, stars in their names. */
int mime_words_param(struct mime_words *w, struct mime_param *out, struct sbuf *scratch);
/* "en, de": 1 a word, 0 the end. */
int mime_words_list(struct mime_words *w, struct mime_span *word);

/* The length of the comment that begins at p; without an end it reaches to the end. */
size_t mime_comment(const char *p, size_t n);

#endif
