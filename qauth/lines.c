#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"
#include "prog.h"
#include "qlimits.h"
#include "sbuf.h"

_Static_assert(sizeof((struct lines *)0)->path == LIMIT_PATH, "a path is a path");

static _Noreturn void die_memory(void)
{
	die_sys(EXIT_TEMP, "keep a line");
}

void lines_insert(struct lines *l, size_t at, const char *text)
{
	char *copy = strdup(text);

	if (l->n == l->cap) {
		l->cap = l->cap > 0 ? 2 * l->cap : 64;
		l->line = reallocarray(l->line, l->cap, sizeof *l->line);
	}
	if (copy == NULL || l->line == NULL)
		die_memory();
	memmove(l->line + at + 1, l->line + at, (l->n - at) * sizeof *l->line);
	l->line[at] = copy;
	l->n++;
}

void lines_remove(struct lines *l, size_t at, size_t n)
{
	for (size_t i = at; i < at + n; i++)
		free(l->line[i]);
	memmove(l->line + at, l->line + at + n, (l->n - at - n) * sizeof *l->line);
	l->n -= n;
}

void lines_free(struct lines *l)
{
	if (l->n > 0)
		lines_remove(l, 0, l->n);
	free(l->line);
	l->line = NULL;
	l->cap = 0;
}

void lines_bad(const struct lines *l, size_t at, const char *why)
{
	die_msg(EXIT_PERM, "%s: line %zu: %s; nothing was changed", l->path, at + 1, why);
}

static void split(struct lines *l, const char *p, size_t n)
{
	while (n > 0) {
		const char *end = memchr(p, '\n', n);
		size_t len = end != NULL ? (size_t)(end - p) : n;
		char *text = strndup(p, len);

		if (text == NULL)
			die_memory();
		lines_insert(l, l->n, text);
		free(text);
		if (memchr(p, '\0', len) != NULL)
			lines_bad(l, l->n - 1, "a NUL byte");
		len += end != NULL;
		p += len;
		n -= len;
	}
}

static void take(struct lines *l, int fd)
{
	struct sbuf b = SBUF_INIT(LIMIT_LINES);
	struct stat st;

	if (fstat(fd, &st) == -1 || sbuf_read(&b, fd) == -1)
		die_sys2(EXIT_TEMP, "read", l->path);
	if (!S_ISREG(st.st_mode))
		die_msg(EXIT_PERM, "%s is not a plain file", l->path);
	l->exists = 1;
	l->uid = st.st_uid;
	l->gid = st.st_gid;
	l->mode = st.st_mode & 07777;
	split(l, b.p, b.len);
	sbuf_free(&b);
}

void lines_read(struct lines *l, const char *path, mode_t mode)
{
	int fd;

	memset(l, 0, sizeof *l);
	(void)snprintf(l->path, sizeof l->path, "%s", path);
	l->uid = (uid_t)-1;
	l->gid = (gid_t)-1;
	l->mode = mode;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1 && errno == ENOENT)
		return;
	if (fd == -1)
		die_sys2(EXIT_TEMP, "read", path);
	take(l, fd);
	(void)close(fd);
}

char *lines_text(const struct lines *l, size_t *n)
{
	struct sbuf b = SBUF_INIT(LIMIT_LINES);

	for (size_t i = 0; i < l->n; i++)
		if (sbuf_cats(&b, l->line[i]) == -1 || sbuf_catc(&b, '\n') == -1)
			die_memory();
	if (sbuf_str(&b) == NULL)
		die_memory();
	*n = b.len;
	return b.p;
}

/* Nobody may open it before it has its owner and mode. */
static int fill(const struct lines *l, const char *path)
{
	size_t n;
	char *text = lines_text(l, &n);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd == -1 ? -1 : fd_write_full(fd, text, n, CLOCK_NEVER);

	free(text);
	if (fd == -1)
		return -1;
	if (r == 0 && fchown(fd, l->uid, l->gid) == 0 && fchmod(fd, l->mode) == 0 &&
	    fsync(fd) == 0)
		return close(fd);
	(void)close(fd);
	return -1;
}

void lines_write(const struct lines *l)
{
	char new[LIMIT_PATH + 4];

	(void)snprintf(new, sizeof new, "%s.new", l->path);
	(void)unlink(new); /* of one that was killed: we have the lock */
	if (fill(l, new) == -1 || rename(new, l->path) == -1) {
		int e = errno;

		(void)unlink(new);
		errno = e;
		die_sys2(EXIT_TEMP, "write", l->path);
	}
	if (fd_sync_parent(l->path) == -1)
		die_sys2(EXIT_TEMP, "sync the directory of", l->path);
}
