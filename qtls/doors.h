/* doors: the sockets at which a starter is called, and who may.
 *
 * A word NAME or NAME:UID[,UID...] is run/NAME/sock; without uids the directory alone
 * decides. A door that came over an exec is not made anew.
 * Errors: -1 with errno.
 */
#ifndef QTLS_DOORS_H
#define QTLS_DOORS_H

#include <stddef.h>
#include <sys/types.h>

enum { DOORS_MAX = 8, DOOR_UIDS = 8 };

struct door {
	const char *word; /* as it was given */
	char name[64];
	size_t nuids;
	uid_t uids[DOOR_UIDS];
	int fd; /* -1: not open */
	int lock;
};

struct doors {
	size_t n;
	struct door door[DOORS_MAX];
};

/* EINVAL: no such word. */
int doors_add(struct doors *d, const char *word);

/* Those that are not open. On -1 *failed is its name. */
int doors_open(struct doors *d, const char **failed);

int door_lets_in(const struct door *d, uid_t uid);

#endif
