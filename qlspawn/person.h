/* person: one look-up in the system's user database, in a process of its own, so that a
 * directory service or a home that hangs holds up nobody else, and can be killed. */
#ifndef QUOIN_PERSON_H
#define QUOIN_PERSON_H

#include <sys/types.h>

/* Load the modules that /etc/nsswitch.conf names, by a look-up of nobody: the sandbox
 * allows no more code later. */
void person_prepare(void);

/* Start a process that looks name up and writes the answer behind the name ("+...",
 * "-" or "Z", lib/pwask.h) to *fd. -1 with errno. */
int person_start(const char *name, pid_t *pid, int *fd);

#endif
