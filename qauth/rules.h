/* rules: control/checkpassword, checkers and checkertimeout. */
#ifndef QAUTH_RULES_H
#define QAUTH_RULES_H

#include <stdint.h>

struct rules {
	char *checker;   /* NULL: the built-in judge */
	unsigned judges; /* at once */
	int64_t ms;      /* for one */
};

extern struct rules rules;

/* At the start, and on SIGHUP: 0, or -1 with control_error(); the old ones stay in force.
 * builtin: how many judges at once when they are ours. */
int rules_load(unsigned builtin);

#endif
