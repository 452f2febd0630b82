/* paths: where everything lies.
 *
 * Fixed when Quoin is built (Makefile: CONTROLDIR, QUEUEDIR, …); `-C DIR`, which
 * every program but sendmail has, moves all of them below DIR: DIR/control,
 * DIR/queue, DIR/run, DIR/users, DIR/alias, DIR/homes, DIR/sts, DIR/bin. Never from
 * the environment.
 */
#ifndef QUOIN_PATHS_H
#define QUOIN_PATHS_H

#include <stddef.h>

#include "qlimits.h"

struct paths {
	char control[LIMIT_PATH]; /* the admin's files */
	char queue[LIMIT_PATH];   /* tmp new cur state bad lock qlock */
	char run[LIMIT_PATH];     /* a directory for each socket */
	char users[LIMIT_PATH];   /* assign and its cdb */
	char alias[LIMIT_PATH];   /* home of the user alias */
	char bin[LIMIT_PATH];     /* the programs */
	char homes[LIMIT_PATH];   /* of users that the system does not know */
	char sts[LIMIT_PATH];     /* policies that qsts has fetched */
};

extern struct paths paths;

/* Where paths_under() has moved them, or NULL: for programs that start others. */
extern const char *paths_home;

/* Move all below dir, which must live for ever. -1 with ENAMETOOLONG, or EINVAL if dir is
 * relative. */
int paths_under(const char *dir);

/* DIR/NAME into out (size bytes): out, or NULL with ENAMETOOLONG. */
const char *path_join(char *out, size_t size, const char *dir, const char *name);

#endif
