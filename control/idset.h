/* idset: a set of queue ids with a limit, kept sorted.
 */
#ifndef CONTROL_IDSET_H
#define CONTROL_IDSET_H

#include <stddef.h>

#include "qid.h"

enum { IDSET_MAX = 10000 };

struct idset {
	size_t n;
	int full; /* one did not find room */
	char ids[IDSET_MAX][QID_LEN + 1];
};

int idset_has(const struct idset *s, const char *id);

/* 1: it is new, 0: known, or no room. */
int idset_add(struct idset *s, const char *id);

#endif
