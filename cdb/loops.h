/* loops: aliases that lead back to themselves. */
#ifndef QUOIN_LOOPS_H
#define QUOIN_LOOPS_H

#include <stddef.h>

/* One alias: its key and its value (alias.h). */
struct alias {
	const char *name;
	unsigned line;
	char *value;
	size_t len;
	unsigned char state; /* of the walk; 0 at first */
};

/* a is sorted by name. The first alias that leads back to itself, with the way in text
 * ("a -> b -> a"), or NULL. Targets count when they are local: without a domain, or
 * with one that control/locals and control/virtualdomains make local. */
const struct alias *loops_find(struct alias *a, size_t n, char *text, size_t size);

#endif
