/* cost: how much memory and work a new password's hash takes (Argon2id), and an unknown
 * name's answer, which must take as long: control/passwordcost, "MEGABYTES PASSES".
 *
 * 19 megabytes and 2 passes unless said: as many judges as cores fit into a host of 256.
 * Errors: -1 with errno, and control_error() says what; *c is then the default.
 */
#ifndef QAUTH_COST_H
#define QAUTH_COST_H

#include <stddef.h>

enum {
	COST_MEGABYTES = 19,
	COST_PASSES = 2,
	COST_MEGABYTES_MAX = 256,
	COST_PASSES_MAX = 20
};

struct cost {
	size_t memory; /* bytes */
	unsigned passes;
};

int cost_load(struct cost *c);

/* "M P": 0, or -1 with EINVAL. */
int cost_parse(struct cost *c, const char *line);

#endif
