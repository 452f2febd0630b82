#include "mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "qlimits.h"

enum { PATHS_MAX = 4 };

int mailbox_open(struct store *s, const char *path)
{
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = here == -1 ? -1 : store_open(s, here, path);
	int e = errno;

	if (here != -1)
		(void)close(here);
	errno = e;
	return r == -1 ? -1 : fchdir(s->root);
}

int mailbox_jail(const struct jail_profile *p, const struct store *s)
{
	static char here[LIMIT_PATH];
	struct jail_profile mine = *p;
	struct jail_path paths_mine[PATHS_MAX];

	if (mine.npaths > PATHS_MAX || fchdir(s->root) == -1 ||
	    getcwd(here, sizeof here) == NULL || here[0] != '/') {
		errno = EINVAL;
		return -1;
	}
	for (size_t i = 0; i < mine.npaths; i++) {
		paths_mine[i] = mine.paths[i];
		if (strcmp(paths_mine[i].rest, "HOME") == 0)
			paths_mine[i].rest = here + 1;
	}
	mine.paths = paths_mine;
	return jail_enter(&mine);
}
