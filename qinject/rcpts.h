/* rcpts: the recipients of one message, each once, in the order they came; kept as
 * the fields of an envelope (qfile.h: T address NUL, N and O).
 *
 * Owner:  whoever declared it (it is large: static); rcpts_free(), or rcpts_clear().
 * Errors: -1 and a fail() record: more than LIMIT_RECIPIENTS, or than LIMIT_ENVELOPE.
 */
#ifndef QUOIN_RCPTS_H
#define QUOIN_RCPTS_H

#include <stdint.h>

#include "alist822.h"
#include "sbuf.h"

enum { RCPTS_SLOTS = 32768 };

struct rcpts {
	struct sbuf fields;
	unsigned n;
	unsigned notify;            /* of those that come without: NOTIFY_..., 0 */
	uint32_t slot[RCPTS_SLOTS]; /* offset in fields of the address, or 0 */
};

void rcpts_init(struct rcpts *r);
void rcpts_free(struct rcpts *r);
void rcpts_clear(struct rcpts *r);
int rcpts_add(struct rcpts *r, const char *kept);

/* With what was asked of notifications: NOTIFY_... or 0, ORCPT or NULL. */
int rcpts_add_asked(struct rcpts *r, const char *kept, unsigned notify,
		    const char *orcpt);

/* All of an address list in an argument. */
int rcpts_add_list(struct rcpts *r, const char *s);

#endif
