#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/store_int.h"

enum { DIR_MODE = 0700, FILE_MODE = 0600 };

static int is_inbox(const char *name)
{
	return strcmp(name, "INBOX") == 0;
}

/* ---- which directory ---- */

static int is_dir_at(int root, const char *disk)
{
	struct stat st;

	if (fstatat(root, disk, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : -1;
	return S_ISDIR(st.st_mode);
}

int store_find(const struct store *s, const char *name, char disk[STORE_NAME + 1])
{
	int r = store_to_disk(disk, name);

	if (r == 0)
		r = is_dir_at(s->root, disk);
	if (r == 0 && store_to_raw(disk, name) == 0)
		r = is_dir_at(s->root, disk);
	if (r == 0)
		errno = ENOENT;
	return r == 1 ? 0 : -1;
}

static int open_once(const struct store *s, const char *name)
{
	char disk[STORE_NAME + 1];
	int fd;

	if (is_inbox(name))
		return store_open_dir(s->root, ".");
	if (store_to_disk(disk, name) == -1)
		return -1;
	fd = store_open_dir(s->root, disk);
	if (fd == -1 && errno == ENOENT) {
		if (store_to_raw(disk, name) == 0)
			fd = store_open_dir(s->root, disk);
		else
			errno = ENOENT;
	}
	/* a link, a FIFO, a file is no folder */
	if (fd == -1 && (errno == ELOOP || errno == ENOTDIR))
		errno = ENOENT;
	return fd;
}

/* Half of a killed rename may hide it. */
static int is_unfinished(const struct store *s)
{
	struct stat st;

	return fstatat(s->root, STORE_RENAME, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int folder_open(const struct store *s, const char *name)
{
	char canon[FOLDER_NAME + 1];
	int fd;
	int lock;

	if (folder_canon(canon, name, strlen(name)) == -1)
		return -1;
	fd = open_once(s, canon);
	if (fd != -1 || errno != ENOENT)
		return fd;
	if (!is_unfinished(s)) {
		errno = ENOENT;
		return -1;
	}
	lock = store_lock(s);
	if (lock == -1)
		return -1;
	if (store_repair(s) == 0)
		fd = open_once(s, canon);
	store_unlock(lock);
	return fd;
}

/* ---- create ---- */

static int fill(int dir)
{
	static const char *const parts[] = {"tmp", "new", "cur"};
	int fd;

	for (size_t i = 0; i < 3; i++)
		if (mkdirat(dir, parts[i], DIR_MODE) == -1)
			return -1;
	fd = openat(dir, "maildirfolder", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    FILE_MODE);
	return fd == -1 || close(fd) == -1 ? -1 : fsync(dir);
}

/* Durable, or it has its old name. */
static int move_durably(const struct store *s, const char *from, const char *to)
{
	int e;

	if (store_move(s->root, from, to) == -1)
		return -1;
	if (fsync(s->root) == 0)
		return 0;
	e = errno;
	(void)store_move(s->root, to, from);
	errno = e;
	return -1;
}

/* Whole under a name that is no folder's, then renamed: a folder is never half there. Once
 * it can be seen, others' mail may be in it. */
static int make_folder(const struct store *s, const char *disk)
{
	char made[64];
	int dir;
	int r;

	store_random_name(made, STORE_NEW);
	if (mkdirat(s->root, made, DIR_MODE) == -1)
		return -1;
	dir = store_open_dir(s->root, made);
	r = dir != -1 ? fill(dir) : -1;
	if (r == 0)
		r = store_move(s->root, made, disk);
	if (r == -1) {
		r = errno;
		store_purge(s, 1);
		errno = r;
		r = -1;
	} else if ((r = fsync(s->root)) == -1) {
		store_remove_unused(s, disk, dir);
	}
	store_unlock(dir);
	return r;
}

static int create_locked(const struct store *s, const char *name, unsigned use)
{
	char disk[STORE_NAME + 1];

	if (store_repair(s) == -1)
		return -1;
	if (store_find(s, name, disk) == 0)
		errno = EEXIST;
	if (errno != ENOENT || (use != 0 && store_may_use(s, use) == -1))
		return -1;
	if (store_to_disk(disk, name) == -1)
		return -1;
	/* A use of a folder that does not come to be is nobody's: store_may_use(). */
	if (use != 0 && store_set_use(s, name, use) == -1)
		return -1;
	return make_folder(s, disk);
}

/* The lock, for a change of any folder but INBOX, which is refused with inbox as errno. */
static int begin(const struct store *s, const char *name, char canon[FOLDER_NAME + 1],
		 int inbox)
{
	if (folder_canon(canon, name, strlen(name)) == -1)
		return -1;
	if (!is_inbox(canon))
		return store_lock(s);
	errno = inbox;
	return -1;
}

int folder_create(const struct store *s, const char *name, unsigned use)
{
	char canon[FOLDER_NAME + 1];
	int lock = begin(s, name, canon, EEXIST);
	int r;

	if (lock == -1)
		return -1;
	r = create_locked(s, canon, use);
	store_unlock(lock);
	return r;
}

/* ---- delete ---- */

static int delete_locked(const struct store *s, const char *name)
{
	char disk[STORE_NAME + 1];
	char gone[64];
	int e;

	if (store_repair(s) == -1 || store_find(s, name, disk) == -1)
		return -1;
	store_random_name(gone, STORE_GONE);
	if (move_durably(s, disk, gone) == -1)
		return -1;
	if (store_move_uses(s, name, NULL) == 0)
		return 0;
	e = errno;
	(void)store_move(s->root, gone, disk);
	errno = e;
	return -1;
}

int folder_delete(const struct store *s, const char *name)
{
	char canon[FOLDER_NAME + 1];
	int lock = begin(s, name, canon, EPERM);
	int r;

	if (lock == -1)
		return -1;
	r = delete_locked(s, canon);
	store_unlock(lock);
	if (r == 0)
		store_purge(s, 0);
	return r;
}
