/* sysuser: the system's accounts, by /etc/passwd and /etc/shadow. Needs root.
 *
 * uid 0 has no password here, whatever shadow says. A locked or expired account is a
 * wrong password; the same work is done for a name that does not exist.
 */
#ifndef QAUTH_SYSUSER_H
#define QAUTH_SYSUSER_H

#include <stdint.h>
#include <sys/types.h>

#include "qlimits.h"
#include "verify.h"

struct person {
	char name[LIMIT_USER + 1];
	char home[LIMIT_PATH];
	char shell[LIMIT_PATH];
	uid_t uid;
	gid_t gid;
};

/* p is set when the password is right. */
enum verdict sysuser_verify(const char *user, const char *password, int64_t now,
			    struct person *p);

#endif
