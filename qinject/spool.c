#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "fail.h"
#include "fdio.h"
#include "qlimits.h"

enum { BLOCK = 65536 };

void spool_init(struct spool *s)
{
	*s = (struct spool){SBUF_INIT(SPOOL_MEMORY), -1, 0};
}

void spool_clear(struct spool *s)
{
	if (s->fd != -1)
		(void)close(s->fd);
	s->fd = -1;
	s->len = 0;
	sbuf_clear(&s->memory);
}

void spool_free(struct spool *s)
{
	spool_clear(s);
	sbuf_free(&s->memory);
}

static int temporary_file(void)
{
	const char *dir = getenv("TMPDIR");
	char name[LIMIT_PATH];
	int fd;

	if (dir == NULL || dir[0] != '/')
		dir = "/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd != -1)
		return fd;
	/* Not every file system has O_TMPFILE. */
	if (snprintf(name, sizeof name, "%s/quoin.XXXXXX", dir) >= (int)sizeof name) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(name, O_CLOEXEC);
	if (fd != -1)
		(void)unlink(name);
	return fd;
}

int spool_flush(struct spool *s)
{
	if (s->fd == -1 && (s->fd = temporary_file()) == -1)
		return fail_sys(FAIL_SPOOL, "make a temporary file");
	if (s->memory.len > 0 &&
	    fd_write_full(s->fd, s->memory.p, s->memory.len, CLOCK_NEVER) == -1)
		return fail_sys(FAIL_SPOOL, "write a temporary file");
	sbuf_clear(&s->memory);
	return 0;
}

/* Memory is the buffer in front of the file, too. */
int spool_add(struct spool *s, const void *p, size_t n)
{
	const char *at = p;

	if (n > (uint64_t)LIMIT_MESSAGE - s->len)
		return fail(FAIL_DATA, "the message is too large (over %ld bytes)",
			    LIMIT_MESSAGE);
	s->len += n;
	while (n > 0) {
		size_t part = SPOOL_MEMORY - s->memory.len;

		if (part > n)
			part = n;
		if (sbuf_cat(&s->memory, at, part) == -1)
			return fail_sys(FAIL_MEMORY, "keep the message");
		at += part;
		n -= part;
		if (n > 0 && spool_flush(s) == -1)
			return -1;
	}
	return 0;
}

static int each_of_file(int fd, uint64_t len,
			int (*each)(void *arg, const void *p, size_t n), void *arg)
{
	static char block[BLOCK];
	uint64_t at = 0;

	while (at < len) {
		size_t want = len - at < sizeof block ? (size_t)(len - at) : sizeof block;
		ssize_t r = pread(fd, block, want, (off_t)at);

		if (r == -1 && errno == EINTR)
			continue;
		if (r == 0)
			errno = EIO;
		if (r <= 0 || each(arg, block, (size_t)r) == -1)
			return -1;
		at += (uint64_t)r;
	}
	return 0;
}

int spool_each(struct spool *s, int (*each)(void *arg, const void *p, size_t n),
	       void *arg)
{
	if (s->fd != -1 && each_of_file(s->fd, s->len - s->memory.len, each, arg) == -1)
		return -1;
	return s->memory.len > 0 ? each(arg, s->memory.p, s->memory.len) : 0;
}
