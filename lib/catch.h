/* catch: signals as a descriptor (sigfd.h), for a program that cannot serve without.
 *
 * Called in main before the sandbox closes; like prog's die_ it ends the program, with
 * EXIT_TEMP and a line of why, when the kernel has no room for it.
 */
#ifndef QUOIN_CATCH_H
#define QUOIN_CATCH_H

#include "sigfd.h"

/* sigfd_open(), which does not fail. */
int catch_signals(const int *list, sigset_t *old);

#endif
