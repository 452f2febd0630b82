/* outside: deliveries into files that do not lie below the home.
 *
 * The jailed half can open nothing outside the home. For a line with another absolute
 * path the program half starts a jailed process that may use that one directory,
 * carries out the one step, and ends.
 */
#ifndef QLOCAL_OUTSIDE_H
#define QLOCAL_OUTSIDE_H

#include "step.h"

/* Lock in: the profile of qlocal with `HOME` in its table standing for dir, an absolute
 * path. 0, or -1 with errno. */
int outside_jail(const char *dir);

/* Is path an absolute one that leads elsewhere than into home? */
int outside_is(const char *path, const char *home);

/* Carry out a Maildir or mbox step in a process of its own. lifeline as in step.h. */
void outside_do(enum step_kind kind, const char *path, const struct delivery *d,
		int lifeline, const struct settings *set, struct answer *a);

#endif
