#include "maildir/store_int.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"
#include "maildir/deliver.h"
#include "rnd.h"
#include "sbuf.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

enum { LOOK_MS = 10 };

int store_open_dir(int at, const char *path)
{
	return openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int store_open(struct store *s, int base, const char *path)
{
	struct maildir m;

	/* deliver.h makes what is missing, and refuses what is no directory */
	if (maildir_open(&m, base, path, 1) == -1)
		return -1;
	s->root = m.dir;
	m.dir = -1;
	maildir_close(&m);
	return 0;
}

void store_close(struct store *s)
{
	if (s->root != -1)
		(void)close(s->root);
	s->root = -1;
}

/* ---- the lock ---- */

static int lock_until(int fd, int64_t deadline)
{
	while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -1;
		if (clock_left_ms(deadline) == 0) {
			errno = EBUSY;
			return -1;
		}
		(void)poll(NULL, 0, LOOK_MS);
	}
	return 0;
}

int store_lock_file(int root, const char *file)
{
	int fd = openat(root, file,
			O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
			0600);

	if (fd == -1)
		return -1;
	if (lock_until(fd, clock_mono_ms() + STORE_LOCK_MS) == 0)
		return fd;
	store_unlock(fd);
	return -1;
}

void store_unlock(int lock)
{
	int e = errno;

	if (lock != -1)
		(void)close(lock);
	errno = e;
}

/* ---- directories ---- */

DIR *store_read_dir(int at, const char *path)
{
	int fd = store_open_dir(at, path);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;

	if (d == NULL)
		store_unlock(fd);
	return d;
}

int store_is_dir(int at, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return fstatat(at, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

void store_random_name(char out[64], const char *prefix)
{
	(void)snprintf(out, 64, "%s%08" PRIx32 "%08" PRIx32, prefix, rnd_u32(),
		       rnd_u32());
}

/* Network file systems lack the one call for it; the store's lock keeps our own away. */
int store_move(int root, const char *from, const char *to)
{
	struct stat st;

	if (syscall(SYS_renameat2, root, from, root, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (fstatat(root, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return errno == ENOENT ? renameat(root, from, root, to) : -1;
}

/* ---- small files ---- */

int store_read_file(struct sbuf *b, int root, const char *file)
{
	int fd = openat(root, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int r = -1;

	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	if (fstat(fd, &st) == 0) {
		errno = EINVAL;
		r = S_ISREG(st.st_mode) ? sbuf_read(b, fd) : -1;
	}
	store_unlock(fd);
	return r == -1 ? -1 : 1;
}

int store_write_file(int root, const char *file, const struct sbuf *b)
{
	char tmp[64];
	int fd;
	int r;

	store_random_name(tmp, "tmp/quoin-");
	fd = openat(root, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	r = fd_write_full(fd, b->p, b->len, CLOCK_NEVER);
	if (r == 0)
		r = fsync(fd);
	if (close(fd) == -1)
		r = -1;
	if (r == 0)
		r = renameat(root, tmp, root, file);
	if (r == 0)
		return fsync(root);
	r = errno;
	(void)unlinkat(root, tmp, 0);
	errno = r;
	return -1;
}
