#include "maildir/deliver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "clock.h"
#include "sum.h"

enum { DIR_MODE = 0700, FILE_MODE = 0600, TMP_TRIES = 100, HOST_MAX = 40 };
#define NS_PER_S 1000000000U
/* A file system's clock runs behind the wall clock by at most this. */
#define CLOCK_MARGIN_NS (2ULL * NS_PER_S)
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

/* ---- the directories ---- */

static int open_dir(int at, const char *path)
{
	return openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Without final slashes: O_NOFOLLOW would follow a link that ends with one. */
static int set_path(struct maildir *m, const char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	if (n >= sizeof m->path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(m->path, path, n);
	m->path[n] = '\0';
	return 0;
}

static int open_parts(struct maildir *m)
{
	struct stat st;

	m->dir = open_dir(m->base, m->path);
	if (m->dir == -1)
		return -1;
	m->tmp = open_dir(m->dir, "tmp");
	m->new = m->tmp != -1 ? open_dir(m->dir, "new") : -1;
	if (m->new == -1 || fstat(m->new, &st) == -1)
		return -1;
	m->dev = st.st_dev;
	m->ino = st.st_ino;
	return 0;
}

void maildir_close(struct maildir *m)
{
	int *fds[] = {&m->dir, &m->tmp, &m->new};

	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
		if (*fds[i] != -1)
			(void)close(*fds[i]);
		*fds[i] = -1;
	}
}

static int make_dir(int at, const char *path)
{
	return mkdirat(at, path, DIR_MODE) == -1 && errno != EEXIST ? -1 : 0;
}

static int sync_at(int at, const char *path)
{
	int dir = open_dir(at, path);
	int r;

	if (dir == -1)
		return -1;
	r = fsync(dir);
	(void)close(dir);
	return r;
}

/* cur/ comes last: where it is, the others are durable. */
static int make_in(int dir)
{
	if (make_dir(dir, "tmp") == -1 || make_dir(dir, "new") == -1 ||
	    fsync(dir) == -1 || sync_at(dir, "..") == -1 || make_dir(dir, "cur") == -1)
		return -1;
	return fsync(dir);
}

/* All three and what holds them. A half-made Maildir is completed. */
static int make_parts(struct maildir *m)
{
	int dir;
	int r;

	if (make_dir(m->base, m->path) == -1)
		return -1;
	dir = open_dir(m->base, m->path);
	if (dir == -1)
		return -1;
	r = make_in(dir);
	(void)close(dir);
	return r;
}

/* Nobody has died, and nobody is at work, between its parts and their syncs? */
static int is_whole(const struct maildir *m)
{
	struct stat st;

	return fstatat(m->dir, "cur", &st, AT_SYMLINK_NOFOLLOW);
}

static int try_open(struct maildir *m, int whole)
{
	int e;

	if (open_parts(m) == 0 && (!whole || is_whole(m) == 0))
		return 0;
	e = errno;
	maildir_close(m);
	errno = e;
	return -1;
}

int maildir_open(struct maildir *m, int base, const char *path, int make)
{
	m->base = base;
	m->dir = m->tmp = m->new = -1;
	if (set_path(m, path) == -1)
		return -1;
	if (try_open(m, make) == 0)
		return 0;
	if (errno != ENOENT || !make || make_parts(m) == -1)
		return -1;
	return try_open(m, make);
}

int maildir_is_current(const struct maildir *m)
{
	char path[LIMIT_PATH + 8];
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/new", m->path);
	return fstatat(m->base, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_dev == m->dev && st.st_ino == m->ino;
}

/* ---- names ---- */

const char *maildir_host(void)
{
	static char name[HOST_MAX];
	struct utsname u;
	size_t n = 0;

	if (name[0] != '\0')
		return name;
	if (uname(&u) == -1)
		u.nodename[0] = '\0';
	for (const char *c = u.nodename; *c != '\0' && n < sizeof name - 1; c++)
		if (strchr("/:, ", *c) == NULL && *c > ' ' && *c < 0x7f)
			name[n++] = *c;
	if (n == 0)
		memcpy(name, "localhost", sizeof "localhost");
	return name;
}

void maildir_base(char out[MAILDIR_BASE], const char *id, const char *recipient,
		  const char *line)
{
	uint8_t sum[SUM_LEN];
	char hex[17];
	struct sum s;
	uint64_t ns = 0;

	(void)qid_parse(id, &ns);
	sum_init(&s);
	sum_add(&s, recipient, strlen(recipient) + 1);
	sum_add(&s, line, strlen(line) + 1);
	sum_end(&s, sum);
	for (size_t i = 0; i < 8; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	(void)snprintf(out, MAILDIR_BASE, "%llu.Q%.17s-%s.%s",
		       (unsigned long long)(ns / NS_PER_S), id, hex, maildir_host());
}

/* ---- the file in tmp/ ---- */

static int create_tmp(struct maildir_file *f)
{
	static unsigned count;
	static long pid;

	if (pid == 0)
		pid = (long)getpid();
	for (int i = 0; i < TMP_TRIES; i++) {
		int fd;

		(void)snprintf(f->tmp, sizeof f->tmp, "%llu.P%ldQ%u.%s",
			       (unsigned long long)(clock_wall_ns() / NS_PER_S), pid,
			       ++count, maildir_host());
		fd = openat(f->m->tmp, f->tmp,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    FILE_MODE);
		if (fd != -1 || errno != EEXIST)
			return fd;
	}
	return -1;
}

int maildir_begin(struct maildir *m, struct maildir_file *f)
{
	int fd;

	f->m = m;
	f->lines = 0;
	f->last = '\0';
	fd = create_tmp(f);
	if (fd == -1)
		return -1;
	wbuf_init(&f->w, fd);
	return 0;
}

int maildir_write(struct maildir_file *f, const void *p, size_t n)
{
	const char *at = p;
	const char *end = at + n;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		f->lines += (at == p ? f->last : at[-1]) != '\r';
		at++;
	}
	if (n > 0)
		f->last = end[-1];
	return wbuf_put(&f->w, p, n);
}

int maildir_sync(struct maildir_file *f)
{
	int fd = f->w.fd;

	if (wbuf_flush(&f->w) == -1 || fsync(fd) == -1)
		return -1;
	f->w.fd = -1;
	return close(fd);
}

/* ---- into new/ ---- */

/* Does name belong to base, whatever sizes and flags follow? */
static int is_of_base(const char *name, const char *base)
{
	size_t n = strlen(base);

	return strncmp(name, base, n) == 0 && strchr(",:", name[n]) != NULL;
}

/* 1 found, 0 not, -1. A name whose flags change while we read may be missed: rename
 * within a directory does not promise more; one more look then finds it. */
static int look_through(int dirfd, const char *base)
{
	DIR *d = fdopendir(dirfd);
	struct dirent *e;
	int found = 0;

	if (d == NULL) {
		(void)close(dirfd);
		return -1;
	}
	for (int look = 0; look < 2 && !found; look++) {
		rewinddir(d);
		errno = 0;
		while (!found && (e = readdir(d)) != NULL)
			found = is_of_base(e->d_name, base);
	}
	if (!found && errno != 0)
		found = -1;
	(void)closedir(d);
	return found;
}

/* Has a reader moved the work of an earlier attempt to cur/? That changed cur/ after
 * the message was born: where cur/ is older, one stat answers. A birth that lies
 * ahead of the clock says nothing, because the clock was set back. */
static int is_in_cur(const struct maildir *m, const char *base, uint64_t birth_ns)
{
	struct stat st;
	uint64_t changed;
	int dir;

	if (fstatat(m->dir, "cur", &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : -1;
	/* Not mtime: whoever copies or restores a tree sets that back. */
	changed = st.st_ctim.tv_sec < 0 ? 0
					: (uint64_t)st.st_ctim.tv_sec * NS_PER_S +
					      (uint64_t)st.st_ctim.tv_nsec;
	if (changed + CLOCK_MARGIN_NS < birth_ns &&
	    birth_ns < clock_wall_ns() + CLOCK_MARGIN_NS)
		return 0;
	dir = open_dir(m->dir, "cur");
	return dir == -1 ? -1 : look_through(dir, base);
}

int maildir_has(const struct maildir *m, const char *base, uint64_t birth_ns)
{
	int dir = open_dir(m->dir, "new");
	int found = dir == -1 ? -1 : look_through(dir, base);

	return found != 0 ? found : is_in_cur(m, base, birth_ns);
}

/* Without replacing anything. Network file systems lack the one call for it. */
static int move_to_new(const struct maildir_file *f, const char *name)
{
	const struct maildir *m = f->m;

	if (syscall(SYS_renameat2, m->tmp, f->tmp, m->new, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(m->tmp, f->tmp, m->new, name, 0) == -1)
		return -1;
	return unlinkat(m->tmp, f->tmp, 0) == -1 && errno != ENOENT ? -1 : 0;
}

int maildir_link(struct maildir_file *f, const char *base, uint64_t birth_ns)
{
	char name[MAILDIR_NAME];
	int there = is_in_cur(f->m, base, birth_ns);

	if (there == -1)
		return -1;
	(void)snprintf(name, sizeof name, "%s,S=%" PRIu64 ",W=%" PRIu64, base, f->w.bytes,
		       f->w.bytes + f->lines);
	if (there == 0) {
		if (move_to_new(f, name) == 0)
			f->tmp[0] = '\0';
		else if (errno != EEXIST)
			return -1;
	}
	/* Ours or the earlier attempt's: nobody knows yet whether it is durable. */
	return fsync(f->m->new);
}

void maildir_end(struct maildir_file *f)
{
	int e = errno;

	if (f->w.fd != -1)
		(void)close(f->w.fd);
	if (f->tmp[0] != '\0')
		(void)unlinkat(f->m->tmp, f->tmp, 0);
	f->w.fd = -1;
	f->tmp[0] = '\0';
	errno = e;
}
