/* crowd: the sessions under way, and for whom.
 *
 * Fixed in size; 8 bytes each, of which only the used ones are touched.
 */
#ifndef QTLS_CROWD_H
#define QTLS_CROWD_H

#include <stddef.h>
#include <sys/types.h>

enum { CROWD_MAX = 20000 };

struct member {
	pid_t pid;
	uid_t uid;
};

struct crowd {
	size_t n;
	struct member member[CROWD_MAX];
};

size_t crowd_of(const struct crowd *c, uid_t uid);

/* -1: full. */
int crowd_add(struct crowd *c, pid_t pid, uid_t uid);

/* 1 if it was one of us. */
int crowd_remove(struct crowd *c, pid_t pid);

#endif
