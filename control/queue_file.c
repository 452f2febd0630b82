/* Whole queue files and journals: read, verified, copied. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdio.h"
#include "clock.h"
#include "qlimits.h"
#include "qread.h"
#include "queue_file.h"
#include "sum.h"

int file_open(int dir, const char *name)
{
	return openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

static int is_corrupt(void)
{
	errno = EBADMSG;
	return -1;
}

static int sum_rest(int fd, uint64_t at, uint8_t out[SUM_LEN])
{
	static char block[LIMIT_CHUNK];
	struct sum s;
	ssize_t n;

	sum_init(&s);
	while ((n = pread(fd, block, sizeof block, (off_t)at)) > 0) {
		sum_add(&s, block, (size_t)n);
		at += (uint64_t)n;
	}
	sum_end(&s, out);
	return n == -1 ? -1 : 0;
}

enum damage file_damage(int fd)
{
	struct qfile_head h;
	struct envelope env;
	uint8_t sum[SUM_LEN];
	char *bytes;

	if (qread(fd, &h, &bytes, &env) == -1)
		return errno == EBADMSG ? DAMAGE_HEAD : DAMAGE_UNREAD;
	free(bytes);
	if (sum_rest(fd, qfile_msg_offset(&h), sum) == -1)
		return DAMAGE_UNREAD;
	return memcmp(sum, h.msg_sum, SUM_LEN) == 0 ? DAMAGE_NONE : DAMAGE_MESSAGE;
}

int file_same(int one, int two)
{
	char a[QFILE_HEAD];
	char b[QFILE_HEAD];

	/* The head has the checksums of everything else. */
	return pread(one, a, sizeof a, 0) == sizeof a &&
	       pread(two, b, sizeof b, 0) == sizeof b && memcmp(a, b, sizeof a) == 0;
}

/* ---- journals ---- */

static void take_held(void *arg, const struct journal_record *r)
{
	struct history *h = arg;

	if (r->what == 'H')
		h->held = r->held;
}

/* A FIFO would pass for an empty one. */
static int is_plain(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return 0;
	errno = EINVAL;
	return S_ISREG(st.st_mode);
}

int history_read(int dir, const char *name, const char *id, struct history *h)
{
	*h = (struct history){.fd = file_open(dir, name)};
	if (h->fd == -1)
		return errno == ENOENT ? 0 : -1;
	if (is_plain(h->fd) &&
	    journal_read(h->fd, id, take_held, h, &h->len, &h->size) == 0)
		return 0;
	(void)close(h->fd);
	h->fd = -1;
	return -1;
}

static int append_held(int fd, const char *id, uint64_t len, int held)
{
	struct journal j = {.fd = fd, .len = len};
	struct journal_record r = {.what = 'H', .held = (uint8_t)held};
	struct sbuf b = SBUF_INIT(256);
	int done = journal_put(&b, id, len, &r);

	if (done == 0)
		done = journal_append(&j, -1, id, &b);
	sbuf_free(&b);
	return done;
}

/* ---- copies ---- */

static int copy_bytes(int from, int to, uint64_t n)
{
	static char block[LIMIT_CHUNK];

	for (uint64_t at = 0; at < n;) {
		size_t want = n - at < sizeof block ? (size_t)(n - at) : sizeof block;
		ssize_t got = pread(from, block, want, (off_t)at);

		if (got == -1)
			return -1;
		if (got == 0)
			return is_corrupt();
		if (fd_write_full(to, block, (size_t)got, CLOCK_NEVER) == -1)
			return -1;
		at += (uint64_t)got;
	}
	return 0;
}

static int file_make(int dir, const char *name, const struct like *like)
{
	int fd;

	if (unlinkat(dir, name, 0) == -1 && errno != ENOENT)
		return -1;
	fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1 || like == NULL)
		return fd;
	if ((geteuid() != 0 || fchown(fd, like->uid, like->gid) == 0) &&
	    fchmod(fd, like->mode) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static int finish(int fd, int done)
{
	int e = errno;

	if (done == 0 && fsync(fd) == -1) {
		done = -1;
		e = errno;
	}
	if (close(fd) == -1 && done == 0)
		return -1;
	errno = e;
	return done;
}

int file_copy(int from, int dir, const char *name, const struct like *like)
{
	struct stat st;
	int fd;

	if (fstat(from, &st) == -1 || (fd = file_make(dir, name, like)) == -1)
		return -1;
	return finish(fd, copy_bytes(from, fd, (uint64_t)st.st_size));
}

int history_copy(const struct history *h, int dir, const char *name, const char *id,
		 int held, const struct like *like)
{
	int fd = file_make(dir, name, like);
	int done = 0;

	if (fd == -1)
		return -1;
	if (h->fd != -1)
		done = copy_bytes(h->fd, fd, h->len);
	if (done == 0 && held != -1)
		done = append_held(fd, id, h->fd != -1 ? h->len : 0, held);
	return finish(fd, done);
}

int history_release(int dir, const char *id)
{
	struct history h;
	int fd = openat(dir, id, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	int done;

	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	done = history_read(dir, id, id, &h);
	if (done == 0) {
		(void)close(h.fd);
		done = ftruncate(fd, (off_t)h.len);
	}
	if (done == 0)
		done = append_held(fd, id, h.len, 0);
	return finish(fd, done);
}
