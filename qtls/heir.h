/* heir: what a starter leaves to the one that takes its place in the same process: the
 * doors, so that callers wait in their queues meanwhile, and the sessions under way,
 * which stay its children. It lies in a memory file whose descriptor is -i's argument:
 *
 *	file = "qtls-s1\0" ndoors:u32 ncrowd:u32
 *	       ndoors*(fd:i32 lock:i32) ncrowd*struct member
 *
 * in the machine's own form, doors in the order of the arguments.
 */
#ifndef QTLS_HEIR_H
#define QTLS_HEIR_H

#include "crowd.h"
#include "doors.h"

/* Run program anew with argv, in which *place becomes the descriptor's number and the first
 * word its path. Returns only if that fails: -1 with errno, everything as before. */
int heir_make(const char *program, const char **argv, const char **place,
	      const struct doors *d, const struct crowd *c);

/* Read and close fd. -1 with errno: EBADMSG it is none of ours. */
int heir_load(int fd, struct doors *d, struct crowd *c);

#endif
