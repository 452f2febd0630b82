/* owner: a uid with its gid, given in numbers, and the way to become it.
 *
 * Names are looked up nowhere but in the service directories (package/).
 * Errors: -1 with errno.
 */
#ifndef QUOIN_OWNER_H
#define QUOIN_OWNER_H

#include <sys/types.h>

struct owner {
	uid_t uid;
	gid_t gid;
};

/* Nobody was named. */
#define OWNER_NONE                     \
	{                              \
		(uid_t) - 1, (gid_t)-1 \
	}

/* "UID:GID". EINVAL or ERANGE. */
__attribute__((warn_unused_result)) int owner_parse(struct owner *o, const char *s);

/* For good: real, effective and saved ids, no other group; never root (EPERM). One who is
 * not root is that owner already, or it fails. On -1 the process must end. */
__attribute__((warn_unused_result)) int owner_become(const struct owner *o);

#endif
