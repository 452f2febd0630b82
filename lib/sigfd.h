/* sigfd: signals as a descriptor, beside everything else that poll() waits for.
 *
 * Let in by ppoll() alone they starve: a loop that always has a descriptor ready never
 * meets them.
 * Errors: -1 with errno.
 */
#ifndef QUOIN_SIGFD_H
#define QUOIN_SIGFD_H

#include <signal.h>

/* Block the signals of this list, which ends with 0: a descriptor that says when one
 * came; close-on-exec, does not block. old, if not NULL: the mask before, for what this
 * program starts. Threads started later have the signals blocked too. */
int sigfd_open(const int *list, sigset_t *old);

/* The next one that came, or 0. */
int sigfd_next(int fd);

#endif
