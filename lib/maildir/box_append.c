/* quoin-uids: the lock, and appending under it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"
#include "maildir/box_index.h"
#include "maildir/box_int.h"
#include "maildir/store.h"

enum { PAUSE_FIRST_US = 200, PAUSE_MOST_US = 5000, TAIL_MAX = 0x4000000 };

static int try_lock(int fd, short type)
{
	struct flock f = {.l_type = type, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_SETLK, &f);
}

static int wait_for_lock(int fd)
{
	int64_t end = clock_mono_ms() + LOCK_MS;
	long us = PAUSE_FIRST_US;

	while (try_lock(fd, F_WRLCK) == -1) {
		struct timespec pause = {0, us * 1000};

		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return -1;
		if (clock_mono_ms() >= end) {
			errno = EBUSY;
			return -1;
		}
		(void)nanosleep(&pause, NULL);
		us = us * 2 < PAUSE_MOST_US ? us * 2 : PAUSE_MOST_US;
	}
	return 0;
}

static int open_lock(struct box_log *l)
{
	if (l->lock == -1)
		l->lock =
		    openat(l->dir, "quoin-lock",
			   O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	return l->lock == -1 ? -1 : 0;
}

/* What is there cannot be trusted: it stays beside, and every uid is another's now. */
static int set_aside(struct box_log *l)
{
	uint32_t validity = store_validity(l->dir);

	boxwarn("damaged, set aside as quoin-uids.damaged", "quoin-uids");
	if (renameat(l->dir, "quoin-uids", l->dir, "quoin-uids.damaged") == -1)
		return -1;
	boxlog_shut(l);
	if (boxlog_create(l, validity, 1) == -1 || boxlog_sync(l) == -1)
		return -1;
	errno = ESTALE;
	return -1;
}

/* Behind the last whole record nobody is writing: we have the lock. */
static int mend_tail(struct box_log *l)
{
	struct stat st;
	size_t n;
	char *p;
	int damage;
	int r;

	if (fstat(l->fd, &st) == -1)
		return -1;
	if ((uint64_t)st.st_size < l->off || boxlog_is_short(l))
		return set_aside(l);
	if ((uint64_t)st.st_size == l->off)
		return 0;
	n = (uint64_t)st.st_size - l->off < TAIL_MAX ? (size_t)st.st_size - l->off
						     : TAIL_MAX;
	p = malloc(n);
	if (p == NULL)
		return -1;
	r = boxindex_read_at(l->fd, p, n, l->off);
	damage = r == 0 && boxrecord_is_damage(p, n, l->nonce, l->off);
	free(p);
	if (r == -1)
		return -1;
	if (damage)
		return set_aside(l);
	return ftruncate(l->fd, (off_t)l->off);
}

static int catch_up(struct box_log *l, boxlog_take *take, void *arg)
{
	unsigned news;

	if (boxlog_read(l, take, arg, &news) == -1)
		return errno == EBADMSG ? set_aside(l) : -1;
	if (l->fd == -1)
		return boxlog_create(l, store_validity(l->dir), 1) == -1 ? -1
									 : boxlog_sync(l);
	return mend_tail(l);
}

int boxlog_try_lock(struct box_log *l)
{
	if (l->held == 0 && (open_lock(l) == -1 || try_lock(l->lock, F_WRLCK) == -1))
		return -1;
	l->held++;
	return 0;
}

int boxlog_lock_alone(struct box_log *l)
{
	if (l->held == 0 && (open_lock(l) == -1 || wait_for_lock(l->lock) == -1))
		return -1;
	l->held++;
	return 0;
}

int boxlog_lock(struct box_log *l, boxlog_take *take, void *arg)
{
	if (boxlog_lock_alone(l) == -1)
		return -1;
	if (l->held > 1)
		return 0;
	if (catch_up(l, take, arg) == 0)
		return 0;
	boxlog_unlock(l);
	return -1;
}

void boxlog_unlock(struct box_log *l)
{
	int e = errno;

	if (l->held > 0 && --l->held == 0)
		(void)try_lock(l->lock, F_UNLCK);
	errno = e;
}

int boxlog_begin(struct sbuf *b)
{
	char head[RECORD_HEAD] = {0};

	b->len = 0;
	return sbuf_cat(b, head, sizeof head);
}

static void take_back(struct box_log *l)
{
	int e = errno;

	(void)!ftruncate(l->fd, (off_t)l->off); /* else it is a torn tail */
	errno = e;
}

/* Of a file that nobody calls safe the name may be as new as the bytes. */
static int make_durable(const struct box_log *l)
{
	if (fdatasync(l->fd) == -1)
		return -1;
	return l->safe == 0 ? fsync(l->dir) : 0;
}

int boxlog_sync(struct box_log *l)
{
	if (l->unnamed)
		return boxlog_name(l);
	if (l->safe == l->off)
		return 0;
	if (make_durable(l) == -1)
		return -1;
	l->safe = l->off;
	return 0;
}

int boxlog_write(struct box_log *l, struct sbuf *b, int sync, boxlog_take *take,
		 void *arg)
{
	uint64_t safe = l->safe;
	size_t len = b->len - RECORD_HEAD;

	if (len == 0)
		return 0;
	if (len > RECORD_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	if (sbuf_reserve(b, SUM_LEN) == -1)
		return -1;
	boxrecord_seal(b, l->nonce, l->off, safe);
	if (fd_write_at(l->fd, b->p, b->len, l->off) == -1 ||
	    (sync && !l->unnamed && make_durable(l) == -1)) {
		take_back(l);
		return -1;
	}
	l->off += b->len;
	memcpy(l->sum, b->p + b->len - SUM_LEN, SUM_LEN);
	if (sync && !l->unnamed)
		l->safe = l->off;
	return boxlog_apply(l, b->p + RECORD_HEAD, len, take, arg);
}

/* A record that is synced makes its own modseq durable: it needs no lease. */
int boxlog_modseq(struct box_log *l, int synced, uint64_t *modseq)
{
	struct sbuf b = SBUF_INIT(256);
	struct box_entry e = {.keywords = l->modseq + 1 + LEASE,
			      .text = (const char *)boxboot,
			      .len = BOOT_LEN};
	size_t mark;
	int r = -1;

	*modseq = l->modseq + 1;
	if (synced ||
	    (*modseq <= l->lease && memcmp(l->lease_boot, boxboot, BOOT_LEN) == 0))
		return 0;
	if (boxlog_begin(&b) == 0 && boxitem_begin(&b, 'L', 0, 0, &mark) == 0 &&
	    boxitem_put(&b, 'L', &e) == 0) {
		boxitem_end(&b, mark, 1);
		r = boxlog_write(l, &b, 1, NULL, NULL);
	}
	sbuf_free(&b);
	return r;
}
