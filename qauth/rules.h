/* rules: control/checkpassword, checkers, checkertimeout, sessions and usersessions. */
#ifndef QAUTH_RULES_H
#define QAUTH_RULES_H

#include <stdint.h>

struct rules {
	char *checker;    /* NULL: the built-in judge */
	unsigned judges;  /* at once */
	int64_t ms;       /* for one */
	unsigned servers; /* at once */
	unsigned each;    /* of one account */
};

extern struct rules rules;

/* At the start, and on SIGHUP: 0, or -1 with control_error(); the old ones stay in force.
 * builtin: how many judges at once when they are ours. */
int rules_load(unsigned builtin);

#endif
