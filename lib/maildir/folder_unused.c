/* A folder that was made in vain goes, if nobody has used it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/store_int.h"

/* In this order: who begins a message begins in tmp/. */
static const char *const parts[] = {"tmp", "new", "cur"};
enum { PARTS = sizeof parts / sizeof *parts };

static int is_no_file(const char *name)
{
	(void)name;
	return 0;
}

/* What a folder has before anybody has put something into it. */
static int is_furniture(const char *name)
{
	for (size_t i = 0; i < PARTS; i++)
		if (strcmp(name, parts[i]) == 0)
			return 1;
	return strcmp(name, "maildirfolder") == 0 || strncmp(name, "quoin-", 6) == 0;
}

static int holds_only(int at, const char *path, int (*is_known)(const char *))
{
	DIR *d = store_read_dir(at, path);
	struct dirent *e;
	int only = d != NULL;

	errno = 0;
	while (only && (e = readdir(d)) != NULL)
		only = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		       is_known(e->d_name);
	if (errno != 0)
		only = 0;
	if (d != NULL)
		(void)closedir(d);
	return only;
}

static int is_unused(int dir)
{
	int unused = holds_only(dir, ".", is_furniture);

	for (size_t i = 0; unused && i < PARTS; i++)
		unused = holds_only(dir, parts[i], is_no_file);
	return unused;
}

/* Only empty directories go: a message that comes at this very moment keeps all of them. */
static int take_apart(int dir)
{
	for (size_t i = 0; i < PARTS; i++) {
		if (unlinkat(dir, parts[i], AT_REMOVEDIR) == 0)
			continue;
		while (i-- > 0)
			(void)mkdirat(dir, parts[i], 0700);
		return -1;
	}
	return 0;
}

/* Another may have the name by now. */
static int is_here(const struct store *s, const char *disk, int dir)
{
	struct stat made;
	struct stat now;

	return fstat(dir, &made) == 0 &&
	       fstatat(s->root, disk, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	       made.st_dev == now.st_dev && made.st_ino == now.st_ino;
}

void store_remove_unused(const struct store *s, const char *disk, int dir)
{
	int e = errno;
	char gone[64];

	store_random_name(gone, STORE_GONE);
	if (is_here(s, disk, dir) && is_unused(dir) &&
	    store_move(s->root, disk, gone) == 0) {
		if (take_apart(dir) == 0) {
			(void)fsync(s->root);
			store_purge(s, 1);
		} else {
			(void)store_move(s->root, gone, disk);
		}
	}
	errno = e;
}
