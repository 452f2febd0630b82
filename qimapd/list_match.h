/* list_match: names of folders against LIST's patterns (RFC 9051 6.3.9): "*" is anything, "%"
 * anything without the delimiter.
 *
 *	pattern_make(&p, reference, pattern)
 *	matcher_make(&m, &p)		of one pattern, for many names
 *	matcher_has(&m, name) ...
 *	matcher_free(&m)
 *
 * Runs of wildcards are joined and all places of the pattern are tried at once, 64 in a word, so
 * that "%*%*%*" costs pattern times name / 64 and no more. INBOX matches in any case.
 * Owner:  a pattern is the caller's; matcher_free() after a matcher_make() that gave 0.
 * Errors: matcher_make() -1 with ENOMEM.
 */
#ifndef QIMAPD_LIST_MATCH_H
#define QIMAPD_LIST_MATCH_H

#include <stddef.h>
#include <stdint.h>

#include "maildir/store.h"

enum { PATTERN_MAX = 2 * FOLDER_NAME, MATCHER_WORDS = PATTERN_MAX / 64 + 1 };

struct pattern {
	size_t n; /* 0: matches nothing */
	char p[PATTERN_MAX];
};

struct matcher {
	size_t n;
	size_t words;    /* of 64 places each */
	size_t literals; /* a shorter name cannot match */
	int is_all;      /* "*" */
	uint64_t star[MATCHER_WORDS], wild[MATCHER_WORDS];
	uint64_t *is; /* for each byte `words`: where the pattern wants it */
};

/* reference and pattern in UTF-8; one that is too long matches nothing. */
void pattern_make(struct pattern *p, const char *reference, const char *pattern);

__attribute__((warn_unused_result)) int matcher_make(struct matcher *m,
						     const struct pattern *p);
int matcher_has(const struct matcher *m, const char *name);
void matcher_free(struct matcher *m);

#endif
