#include "maildir/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/store_int.h"

/* Does the parent list it as ".NAME"? */
static int is_listed(int dir)
{
	struct stat st;
	struct dirent *e;
	DIR *d;
	int found = 0;

	if (fstat(dir, &st) == -1 || (d = store_read_dir(dir, "..")) == NULL)
		return 0;
	while (!found && (e = readdir(d)) != NULL)
		found = e->d_ino == st.st_ino && e->d_name[0] == '.' &&
			e->d_name[1] != '\0' && e->d_name[1] != '.';
	(void)closedir(d);
	return found;
}

static int is_there(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int maildir_is_folder(int dir)
{
	int fd;

	if (is_there(dir, "maildirfolder"))
		return 1;
	if (!is_there(dir, "../cur") || !is_listed(dir))
		return 0;
	fd = openat(dir, "maildirfolder", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd != -1)
		(void)close(fd);
	return 1;
}

int maildir_root(int dir)
{
	return store_open_dir(dir, maildir_is_folder(dir) ? ".." : ".");
}
