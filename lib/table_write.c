/* The writer of a table: beside its place, under a lock, then renamed. */
#include "table.h"

#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdio.h"
#include "qlimits.h"

struct table_writer {
	char path[LIMIT_PATH];
	char tmp[LIMIT_PATH + 4];
	int fd;
	int started;
	int secret;
	gid_t gid;
	struct cdb_make make;
};

/* Open and lock path.tmp, which nobody else may open before it is finished. Whoever had
 * it may have renamed it away between our open and our lock: then it is a live table,
 * which we must not touch. */
static int lock_tmp(struct table_writer *w)
{
	struct stat ours;
	struct stat there;

	w->fd = open(w->tmp, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w->fd == -1 || flock(w->fd, LOCK_EX | LOCK_NB) == -1)
		return -1;
	if (fstat(w->fd, &ours) == -1 || lstat(w->tmp, &there) == -1 ||
	    ours.st_ino != there.st_ino || ours.st_dev != there.st_dev) {
		errno = EWOULDBLOCK;
		return -1;
	}
	return ftruncate(w->fd, 0);
}

static void discard(struct table_writer *w)
{
	int e = errno;

	/* tinycdb frees its lists only in cdb_make_finish() */
	if (w->started)
		(void)cdb_make_finish(&w->make);
	if (w->fd != -1)
		(void)close(w->fd);
	free(w);
	errno = e;
}

struct table_writer *table_create(const char *path)
{
	struct table_writer *w = calloc(1, sizeof *w);

	if (w == NULL)
		return NULL;
	w->fd = -1;
	if (strlen(path) >= sizeof w->path) {
		errno = ENAMETOOLONG;
		discard(w);
		return NULL;
	}
	(void)snprintf(w->path, sizeof w->path, "%s", path);
	(void)snprintf(w->tmp, sizeof w->tmp, "%s.tmp", w->path);
	if (lock_tmp(w) == -1 || cdb_make_start(&w->make, w->fd) == -1) {
		discard(w);
		return NULL;
	}
	w->started = 1;
	return w;
}

int table_put(struct table_writer *w, const void *key, size_t keylen, const void *value,
	      size_t len)
{
	if (keylen > LIMIT_TABLEKEY || len > LIMIT_TABLEVALUE) {
		errno = EMSGSIZE;
		return -1;
	}
	return cdb_make_add(&w->make, key, (unsigned)keylen, value, (unsigned)len);
}

void table_secret(struct table_writer *w, gid_t gid)
{
	w->secret = 1;
	w->gid = gid;
}

static int set_mode(const struct table_writer *w)
{
	if (w->secret && fchown(w->fd, (uid_t)-1, w->gid) == -1)
		return -1;
	return fchmod(w->fd, w->secret ? 0640 : 0644);
}

static int finish(struct table_writer *w)
{
	struct stat st;

	w->started = 0;
	if (cdb_make_finish(&w->make) == -1 || fstat(w->fd, &st) == -1)
		return -1;
	if (st.st_size > INT32_MAX) {
		errno = EFBIG;
		return -1;
	}
	if (set_mode(w) == -1 || fsync(w->fd) == -1)
		return -1;
	return rename(w->tmp, w->path);
}

int table_commit(struct table_writer *w)
{
	int r = finish(w);

	if (r == 0)
		r = fd_sync_parent(w->path);
	else {
		int e = errno;

		(void)unlink(w->tmp);
		errno = e;
	}
	discard(w);
	return r;
}

void table_abort(struct table_writer *w)
{
	(void)unlink(w->tmp);
	discard(w);
}
