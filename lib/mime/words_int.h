/* words_int: encoded words found, for words.c. */
#ifndef QUOIN_MIME_WORDS_INT_H
#define QUOIN_MIME_WORDS_INT_H

#include <stddef.h>

/* =?charset*language?encoding?text?= */
struct word {
	const char *charset;
	size_t ncharset;
	char encoding; /* b or q */
	const char *text;
	size_t ntext;
	const char *end; /* behind it */
};

struct words_scan {
	const char *end;
	int no_more; /* no "?=" follows any more: keeps it linear */
};

/* Does one begin at p? What stands in its text is taken as it is: blanks too. */
int words_find(struct words_scan *s, const char *p, struct word *out);
const char *words_skip_blanks(const char *p, const char *end);

#endif
