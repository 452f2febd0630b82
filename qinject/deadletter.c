#include "deadletter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "addr.h"
#include "clock.h"
#include "fail.h"
#include "fdio.h"

/* Bytes on their way to the file; at_line: the last one was an LF. */
struct letter {
	int fd;
	int at_line;
};

static int put(struct letter *l, const char *p, size_t n)
{
	if (n == 0)
		return 0;
	l->at_line = p[n - 1] == '\n';
	return fd_write_full(l->fd, p, n, CLOCK_NEVER);
}

/* A body line that begins with "From " would begin the next message of the mbox. */
static int put_quoted(void *arg, const void *p, size_t n)
{
	struct letter *l = arg;
	const char *at = p;

	while (n > 0) {
		const char *lf = memchr(at, '\n', n);
		size_t len = lf != NULL ? (size_t)(lf - at) + 1 : n;

		if (l->at_line && len >= 5 && memcmp(at, "From ", 5) == 0 &&
		    put(l, ">", 1) == -1)
			return -1;
		if (put(l, at, len) == -1)
			return -1;
		at += len;
		n -= len;
	}
	return 0;
}

static int put_bcc(struct letter *l, const struct rcpts *r)
{
	const char *separator = "Bcc: ";

	for (size_t at = 0; at < r->fields.len; at += strlen(r->fields.p + at) + 1) {
		char quoted[2 * LIMIT_ADDRESS];

		if (r->fields.p[at] != 'T') /* what is asked of notifications */
			continue;
		if (addr_quote(r->fields.p + at + 1, quoted, sizeof quoted) == -1 ||
		    put(l, separator, strlen(separator)) == -1 ||
		    put(l, quoted, strlen(quoted)) == -1)
			return -1;
		separator = ",\n  ";
	}
	return put(l, "\n", 1);
}

static int put_mbox_line(struct letter *l)
{
	char line[64];
	struct tm tm;
	time_t now = time(NULL);
	size_t n = localtime_r(&now, &tm) != NULL
		       ? strftime(line, sizeof line,
				  "From dead.letter %a %b %e %H:%M:%S %Y\n", &tm)
		       : 0;

	return put(l, line, n);
}

static int save(struct letter *l, const struct mail *m)
{
	if (put_mbox_line(l) == -1 || put_bcc(l, m->rcpts) == -1)
		return -1;
	if (m->header != NULL &&
	    (put(l, m->header->p, m->header->len) == -1 || put(l, "\n", 1) == -1))
		return -1;
	if (spool_each(m->body, put_quoted, l) == -1)
		return -1;
	return put(l, "\n", 1) == -1 ? -1 : fsync(l->fd);
}

static int open_letter(const char *path)
{
	struct stat st;
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		      0600);

	if (fd != -1 && (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))) {
		(void)close(fd);
		errno = EINVAL;
		return -1;
	}
	return fd;
}

int deadletter_save(const struct mail *m, char *path, size_t size)
{
	const char *home = getenv("HOME");
	struct letter l = {-1, 1};
	int r;

	if (home == NULL || home[0] != '/')
		return fail(FAIL_CANTCREAT, "no HOME for dead.letter");
	if (snprintf(path, size, "%s/dead.letter", home) >= (int)size)
		return fail(FAIL_CANTCREAT, "HOME is too long");
	l.fd = open_letter(path);
	r = l.fd == -1 ? -1 : save(&l, m);
	if (l.fd != -1 && close(l.fd) == -1)
		r = -1;
	return r == -1 ? fail_sys(FAIL_CANTCREAT, "write ~/dead.letter") : 0;
}
