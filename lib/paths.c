#include "paths.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gen/build.h"

struct paths paths = {
    BUILD_CONTROLDIR, BUILD_QUEUEDIR, BUILD_RUNDIR,   BUILD_USERSDIR,
    BUILD_ALIASDIR,   BUILD_BINDIR,   BUILD_HOMESDIR, BUILD_STSDIR,
};

const char *paths_home;

const char *path_join(char *out, size_t size, const char *dir, const char *name)
{
	int n = snprintf(out, size, "%s/%s", dir, name);

	if (n < 0 || (size_t)n >= size) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return out;
}

int paths_under(const char *dir)
{
	if (dir[0] != '/') {
		errno = EINVAL;
		return -1;
	}
	if (path_join(paths.control, LIMIT_PATH, dir, "control") == NULL ||
	    path_join(paths.queue, LIMIT_PATH, dir, "queue") == NULL ||
	    path_join(paths.run, LIMIT_PATH, dir, "run") == NULL ||
	    path_join(paths.users, LIMIT_PATH, dir, "users") == NULL ||
	    path_join(paths.alias, LIMIT_PATH, dir, "alias") == NULL ||
	    path_join(paths.bin, LIMIT_PATH, dir, "bin") == NULL ||
	    path_join(paths.homes, LIMIT_PATH, dir, "homes") == NULL ||
	    path_join(paths.sts, LIMIT_PATH, dir, "sts") == NULL)
		return -1;
	paths_home = dir;
	return 0;
}
