#include "logs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "gen/build.h"
#include "paths.h"

const char *logs_path(char path[LIMIT_PATH])
{
	return args_home != NULL ? path_join(path, LIMIT_PATH, args_home, "log")
				 : BUILD_LOGDIR;
}

/* ---- the files of one log ---- */

static int is_current(const struct logs_dir *d, const char *name)
{
	struct stat a;
	struct stat b;

	return d->current != -1 && fstat(d->current, &a) == 0 &&
	       fstatat(d->dir, name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static int add_file(struct logs_dir *d, const char *name)
{
	size_t len = strlen(name);
	char(*more)[LOGS_NAME];

	if (d->nfiles == LOGS_FILES) {
		errno = E2BIG;
		return -1;
	}
	if (len >= LOGS_NAME || is_current(d, name))
		return 0;
	more = reallocarray(d->files, d->nfiles + 1, LOGS_NAME);
	if (more == NULL)
		return -1;
	d->files = more;
	memcpy(d->files[d->nfiles++], name, len + 1);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int list_files(struct logs_dir *d)
{
	int fd = openat(d->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *e;
	int r = 0;

	if (dir == NULL) {
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	while (r == 0 && (errno = 0, e = readdir(dir)) != NULL)
		if (e->d_name[0] == '@')
			r = add_file(d, e->d_name);
	if (r == 0 && errno != 0)
		r = -1;
	(void)closedir(dir);
	if (d->nfiles > 0)
		qsort(d->files, d->nfiles, LOGS_NAME, by_name);
	return r;
}

/* A plain file: whoever writes the logs may have put a FIFO there, on which we would
 * wait. */
static int open_file(const struct logs_dir *d, const char *name)
{
	struct stat st;
	int fd = openat(d->dir, name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	if (fd != -1)
		(void)close(fd);
	return -1;
}

/* name: shorter than LOGS_NAME. */
static int open_dir(struct logs_dir *d, int logs, const char *name)
{
	*d = (struct logs_dir){.dir = -1, .current = -1, .fd = -1};
	memcpy(d->name, name, strlen(name) + 1);
	d->dir = openat(logs, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->dir == -1)
		return -1;
	d->current = open_file(d, "current");
	d->buffer = malloc(LOGS_BUFFER);
	return d->buffer == NULL ? -1 : list_files(d);
}

static void close_dir(struct logs_dir *d)
{
	if (d->dir != -1)
		(void)close(d->dir);
	if (d->current != -1)
		(void)close(d->current);
	if (d->fd != -1)
		(void)close(d->fd);
	free(d->files);
	free(d->buffer);
}

/* ---- lines ---- */

static int is_broken(const char *name)
{
	size_t n = strlen(name);

	return n > 2 && strcmp(name + n - 2, ".u") == 0;
}

static void end_file(struct logs_dir *d)
{
	(void)close(d->fd);
	d->fd = -1;
	d->begin = d->end = 0;
	d->skipping = 0;
	if (!d->broken)
		return;
	d->breaks++;
	d->last_break = d->last;
	d->broken = 0;
}

/* 1, 0: there is none. An old one may have been removed meanwhile. */
static int next_file(struct logs_dir *d)
{
	while (d->fd == -1 && d->at < d->nfiles) {
		const char *name = d->files[d->at++];

		d->fd = open_file(d, name);
		d->broken = d->fd != -1 && is_broken(name);
	}
	if (d->fd == -1) {
		d->fd = d->current;
		d->current = -1;
	}
	return d->fd != -1;
}

/* 1: more in the buffer, 0: the end of the file, -1. */
static int fill(struct logs_dir *d)
{
	ssize_t r;

	memmove(d->buffer, d->buffer + d->begin, d->end - d->begin);
	d->end -= d->begin;
	d->begin = 0;
	r = read(d->fd, d->buffer + d->end, LOGS_BUFFER - d->end);
	if (r > 0)
		d->end += (size_t)r;
	return r == -1 ? -1 : r > 0;
}

static void take_line(struct logs_dir *d, const char *p, size_t n)
{
	int too_long = d->skipping || n > LOGS_LINE;

	d->skipping = 0;
	d->lines++;
	if (too_long || logline_parse(&d->line, p, n) == -1) {
		d->unread++;
		return;
	}
	d->has_line = 1;
	if (d->first == 0)
		d->first = d->line.ns;
	d->last = d->line.ns;
}

/* A line without its end is still being written. */
static int read_line(struct logs_dir *d)
{
	while (!d->has_line) {
		char *p = d->buffer + d->begin;
		char *lf = memchr(p, '\n', d->end - d->begin);
		int r;

		if (lf != NULL) {
			d->begin += (size_t)(lf - p) + 1;
			take_line(d, p, (size_t)(lf - p));
			continue;
		}
		if (d->end - d->begin > LOGS_LINE) {
			d->skipping = 1;
			d->begin = d->end;
		}
		if (d->fd == -1 && !next_file(d))
			return 0;
		r = fill(d);
		if (r == -1)
			return -1;
		if (r == 0)
			end_file(d);
	}
	return 0;
}

int logs_next(struct logs *l, struct logline **line, struct logs_dir **from)
{
	struct logs_dir *first = NULL;

	if (l->taken != NULL)
		l->taken->has_line = 0;
	for (size_t i = 0; i < l->n; i++) {
		struct logs_dir *d = &l->dirs[i];

		if (read_line(d) == -1)
			return -1;
		if (d->has_line && (first == NULL || d->line.ns < first->line.ns))
			first = d;
	}
	l->taken = first;
	*from = first;
	*line = first != NULL ? &first->line : NULL;
	return first != NULL;
}

/* ---- all logs ---- */

static int open_all(struct logs *l, int logs, DIR *d)
{
	struct dirent *e;

	while ((errno = 0, e = readdir(d)) != NULL) {
		struct stat st;

		if (e->d_name[0] == '.' || strlen(e->d_name) >= LOGS_NAME ||
		    fstatat(logs, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
		    !S_ISDIR(st.st_mode))
			continue;
		if (l->n == LOGS_DIRS) {
			errno = E2BIG;
			return -1;
		}
		if (open_dir(&l->dirs[l->n++], logs, e->d_name) == -1)
			return -1;
	}
	return errno == 0 ? 0 : -1;
}

int logs_open(struct logs *l, const char *path)
{
	DIR *d = opendir(path);
	int r;

	*l = (struct logs){.n = 0};
	if (d == NULL)
		return -1;
	r = open_all(l, dirfd(d), d);
	if (r == -1) {
		int e = errno;

		logs_close(l);
		errno = e;
	}
	(void)closedir(d);
	return r;
}

void logs_close(struct logs *l)
{
	for (size_t i = 0; i < l->n; i++)
		close_dir(&l->dirs[i]);
	l->n = 0;
}

void logs_time(char out[40], uint64_t ns)
{
	time_t t = (time_t)(ns / 1000000000);
	struct tm tm;
	size_t n = 0;

	if (localtime_r(&t, &tm) != NULL)
		n = strftime(out, 40, "%Y-%m-%d %H:%M:%S", &tm);
	(void)snprintf(out + n, 40 - n, ".%06u", (unsigned)(ns % 1000000000 / 1000));
}
