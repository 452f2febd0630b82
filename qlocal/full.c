#include "full.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/deliver.h"
#include "maildir/quota.h"
#include "outside.h"
#include "prog.h"

static int is_full(int maildir)
{
	int root = quota_root(maildir);
	struct quota q;

	return root != -1 && quota_read(&q, root) && !quota_room(&q, root, 1, 1);
}

int full_ask(const char *home, const struct settings *set)
{
	int dir = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct maildir m;
	struct stat st;

	if (outside_jail(home) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	if (dir == -1 || !set->is_maildir ||
	    fstatat(dir, ".qmail", &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT ||
	    maildir_open(&m, dir, set->delivery, 0) == -1)
		return 0;
	return is_full(m.dir);
}
