/* list_match: names of folders against LIST's patterns (RFC 9051 6.3.9): "*" is anything, "%"
 * anything without the delimiter.
 *
 * Runs of wildcards are joined and all places of the pattern are tried at once, so that
 * "%*%*%*" costs pattern times name and no more. INBOX matches in any case.
 * Owner:  a pattern is the caller's; nothing is allocated.
 */
#ifndef QIMAPD_LIST_MATCH_H
#define QIMAPD_LIST_MATCH_H

#include <stddef.h>

#include "maildir/store.h"

enum { PATTERN_MAX = 2 * FOLDER_NAME, PATTERN_PIECE = 16 };

struct pattern {
	size_t n;                            /* 0: matches nothing */
	char p[PATTERN_MAX + PATTERN_PIECE]; /* NULs behind n */
};

/* reference and pattern in UTF-8; one that is too long matches nothing. */
void pattern_make(struct pattern *m, const char *reference, const char *pattern);
int pattern_matches(const struct pattern *m, const char *name);

#endif
