/* quoin-uids: reading what was appended, by anybody. No lock is needed: a record is
 * whole or it is not there. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/box_index.h"
#include "fdio.h"
#include "maildir/box_int.h"

enum { PIECE = 262144 };

static int keep_identity(struct box_log *l)
{
	struct stat st;

	if (fstat(l->fd, &st) == -1)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EBADMSG;
		return -1;
	}
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return 0;
}

static int read_head(struct box_log *l)
{
	char head[LOG_HEAD];

	if (boxindex_read_at(l->fd, head, sizeof head, 0) == -1)
		return -1;
	if (boxrecord_read_head(head, &l->nonce, &l->prev, &l->base) == -1)
		return -1;
	l->must = l->base;
	return 0;
}

int boxlog_is_short(const struct box_log *l)
{
	return l->fd != -1 &&
	       (l->uidvalidity == 0 || l->off < l->safe || l->off < l->must);
}

static int open_file(struct box_log *l)
{
	l->fd =
	    openat(l->dir, "quoin-uids", O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (l->fd == -1 && (errno == EACCES || errno == EROFS))
		l->fd = openat(l->dir, "quoin-uids",
			       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (l->fd == -1)
		return errno == ENOENT ? 0 : -1;
	return keep_identity(l) == -1 || read_head(l) == -1 ? -1 : 0;
}

void boxlog_shut(struct box_log *l)
{
	int e = errno;

	if (l->fd != -1)
		(void)close(l->fd);
	l->fd = -1;
	errno = e;
}

int boxlog_reopen(struct box_log *l)
{
	boxlog_shut(l);
	boxlog_words_free(&l->words);
	*l = (struct box_log){
	    .dir = l->dir, .fd = -1, .lock = l->lock, .held = l->held, .off = LOG_HEAD};
	if (open_file(l) == 0)
		return 0;
	boxlog_shut(l);
	return -1;
}

int boxlog_open(struct box_log *l, int dir)
{
	*l = (struct box_log){.dir = dir, .fd = -1, .lock = -1};
	return boxlog_reopen(l);
}

void boxlog_close(struct box_log *l)
{
	boxlog_shut(l);
	if (l->lock != -1)
		(void)close(l->lock);
	l->lock = -1;
	boxlog_words_free(&l->words);
}

/* After a start of the kernel, records that were not synced may be gone, and their
 * modseqs were seen: all that were leased count as used. */
static void settle(struct box_log *l)
{
	if (l->modseq < l->lease && memcmp(l->lease_boot, boxboot, BOOT_LEN) != 0)
		l->modseq = l->lease;
}

/* Records in p: how many bytes of it are done. want: what the next one needs, 0 if
 * nothing whole can follow. */
static size_t take_records(struct box_log *l, const char *p, size_t n, size_t *want,
			   boxlog_take *take, void *arg, unsigned *news, int *failed)
{
	size_t at = 0;

	for (;;) {
		struct box_record r;
		int got = boxrecord_read(p + at, n - at, l->nonce, l->off, &r, want);

		if (got != 1) {
			if (got == -1)
				*want = 0;
			return at;
		}
		if (boxlog_apply(l, r.body, r.len, take, arg) == -1) {
			*failed = 1;
			return at;
		}
		if (r.safe > l->safe)
			l->safe = r.safe;
		memcpy(l->sum, r.sum, SUM_LEN);
		l->off += *want;
		at += *want;
		++*news;
	}
}

/* From l->off to the end of what is whole in the file that is open. */
static int read_open_file(struct box_log *l, uint64_t size, boxlog_take *take, void *arg,
			  unsigned *news)
{
	size_t room = size - l->off < PIECE ? (size_t)(size - l->off) : PIECE;
	char *p = malloc(room + 1);
	size_t want = 1;
	int failed = 0;

	while (p != NULL && want > 0 && !failed) {
		ssize_t n = fd_read_at(l->fd, p, room, l->off);
		size_t done;

		if (n == -1) {
			failed = 1;
			break;
		}
		done = take_records(l, p, (size_t)n, &want, take, arg, news, &failed);
		if (done == 0 && want > room) {
			free(p);
			room = want;
			p = l->off + want <= size ? malloc(room) : NULL;
			if (p == NULL && l->off + want > size)
				return 0;
		} else if (done == 0 || l->off >= size) {
			break;
		}
	}
	failed |= p == NULL;
	free(p);
	settle(l);
	return failed ? -1 : 0;
}

static int size_of(int fd, uint64_t *size)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	*size = (uint64_t)st.st_size;
	return 0;
}

/* Another file stands there, made of the one that we know: that one ends where the new
 * one's first part does. */
static int follow(struct box_log *l, boxlog_take *take, void *arg, unsigned *news)
{
	uint64_t nonce = l->nonce;
	uint64_t size;

	if (l->fd != -1) {
		if (size_of(l->fd, &size) == -1 ||
		    (size > l->off && read_open_file(l, size, take, arg, news) == -1))
			return -1;
		boxlog_shut(l);
	}
	if (open_file(l) == -1)
		return -1;
	if (l->fd == -1 || l->prev != nonce) {
		errno = ESTALE;
		return -1;
	}
	l->off = l->base;
	l->safe = 0;
	return fd_read_at(l->fd, l->sum, SUM_LEN, l->base - SUM_LEN) == SUM_LEN ? 0 : -1;
}

int boxlog_read(struct box_log *l, boxlog_take *take, void *arg, unsigned *news)
{
	struct stat st;
	uint64_t size;

	*news = 0;
	if (l->unnamed)
		return 0;
	if (fstatat(l->dir, "quoin-uids", &st, AT_SYMLINK_NOFOLLOW) == -1) {
		if (errno != ENOENT || l->fd == -1)
			return errno == ENOENT ? 0 : -1;
		errno = ESTALE;
		return -1;
	}
	if (l->fd == -1) {
		if (open_file(l) == -1) {
			boxlog_shut(l);
			return -1;
		}
	} else if (st.st_ino != l->ino || st.st_dev != l->dev) {
		if (follow(l, take, arg, news) == -1)
			return -1;
	} else {
		return (uint64_t)st.st_size <= l->off
			   ? 0
			   : read_open_file(l, (uint64_t)st.st_size, take, arg, news);
	}
	if (size_of(l->fd, &size) == -1)
		return -1;
	return size <= l->off ? 0 : read_open_file(l, size, take, arg, news);
}
