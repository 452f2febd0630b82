/* list_take: what a LIST or LSUB asks for (RFC 9051 6.3.9, RFC 5258, 5819, 6154).
 * Owner: all lies in the command's arena.
 */
#ifndef QIMAPD_LIST_TAKE_H
#define QIMAPD_LIST_TAKE_H

#include "list_match.h"
#include "take.h"

enum { LIST_PATTERNS = 50 };

enum list_words {
	SELECT_SUBSCRIBED = 1,
	SELECT_REMOTE = 2,
	SELECT_RECURSIVE = 4,
	SELECT_USE = 8,
	RETURN_SUBSCRIBED = 16,
	RETURN_CHILDREN = 32,
	RETURN_USE = 64,
	RETURN_STATUS = 128
};

struct list {
	unsigned words; /* list_words */
	int is_extended;
	unsigned status; /* items of RETURN (STATUS (…)) */
	struct text reference;
	struct pattern *pattern;
	size_t npatterns;
	int asks_delimiter; /* LIST "" "" */
};

/* Behind the verb: -1, that is no LIST. */
int list_take(struct words *w, struct list *l);
int lsub_take(struct words *w, struct list *l);

#endif
