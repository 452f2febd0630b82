#include "maildirs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "owner.h"
#include "prog.h"

/* O_PATH first: what a user has put there is not opened by root. */
static void become_owner(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct owner owner;
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		die_sys2(EXIT_TEMP, "open the Maildir", path);
	(void)close(fd);
	owner = (struct owner){st.st_uid, st.st_gid};
	if (owner_become(&owner) == -1)
		die_sys2(EXIT_TEMP, "become the owner of", path);
}

int maildirs_open(const char *path)
{
	struct stat st;
	int fd;

	if (geteuid() == 0)
		become_owner(path);
	(void)umask(077);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		die_sys2(EXIT_TEMP, "open the Maildir", path);
	if (fstatat(fd, "cur", &st, AT_SYMLINK_NOFOLLOW) == -1 || !S_ISDIR(st.st_mode))
		die_msg(EXIT_TEMP, "%s is no Maildir: it has no cur", path);
	return fd;
}
