#include "owner.h"

#include <errno.h>
#include <grp.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "num.h"

/* The last number of each means "none" to the kernel. */
int owner_parse(struct owner *o, const char *s)
{
	const char *colon = strchr(s, ':');
	uint64_t uid;
	uint64_t gid;

	errno = EINVAL;
	if (colon == NULL ||
	    num_parse_n(s, (size_t)(colon - s), UINT32_MAX - 1, &uid) == -1 ||
	    num_parse(colon + 1, UINT32_MAX - 1, &gid) == -1)
		return -1;
	*o = (struct owner){(uid_t)uid, (gid_t)gid};
	return 0;
}

static int is_owner(const struct owner *o)
{
	return getuid() == o->uid && geteuid() == o->uid && getgid() == o->gid &&
	       getegid() == o->gid;
}

/* The way back is tried as well: what could go it must not go on. */
int owner_become(const struct owner *o)
{
	if (o->uid == 0 || (geteuid() != 0 && !is_owner(o))) {
		errno = EPERM;
		return -1;
	}
	if (geteuid() != 0)
		return 0;
	if (setgroups(1, &o->gid) == -1 || setresgid(o->gid, o->gid, o->gid) == -1 ||
	    setresuid(o->uid, o->uid, o->uid) == -1)
		return -1;
	if (is_owner(o) && setuid(0) == -1)
		return 0;
	errno = EPERM;
	return -1;
}
