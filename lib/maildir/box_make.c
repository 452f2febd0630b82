/* quoin-uids made anew, under the lock: when it is compacted written beside, synced, renamed,
 * the directory synced; for a folder that has none renamed first, so that one commit of a
 * journal serves the file, its name and its directory. Nobody believes it before a sync of
 * his own, so what a power cut leaves of it is as good as nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdio.h"
#include "maildir/box_int.h"
#include "rnd.h"

static const char fresh[] = "quoin-uids.new";

static void forget(struct box_file *f)
{
	int e = errno;

	(void)close(f->fd);
	(void)unlinkat(f->dir, fresh, 0);
	errno = e;
}

int boxfile_begin(struct box_file *f, int dir)
{
	*f = (struct box_file){.dir = dir, .off = LOG_HEAD};
	if (unlinkat(dir, fresh, 0) == -1 && errno != ENOENT)
		return -1;
	f->fd =
	    openat(dir, fresh, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (f->fd == -1)
		return -1;
	do
		rnd_bytes(&f->nonce, sizeof f->nonce);
	while (f->nonce == 0);
	return 0;
}

int boxfile_record(struct box_file *f, struct sbuf *b)
{
	if (sbuf_reserve(b, SUM_LEN) == -1)
		return -1;
	boxrecord_seal(b, f->nonce, f->off, 0);
	if (fd_write_at(f->fd, b->p, b->len, f->off) == -1)
		return -1;
	f->off += b->len;
	memcpy(f->sum, b->p + b->len - SUM_LEN, SUM_LEN);
	return boxlog_begin(b);
}

void boxfile_abort(struct box_file *f)
{
	forget(f);
}

static int rename_file(int dir)
{
	return renameat(dir, fresh, dir, "quoin-uids");
}

/* sync: it gets its name before l forgets the one that it had. */
static int adopt(struct box_file *f, struct box_log *l, int sync)
{
	char head[LOG_HEAD];
	struct stat st;
	uint64_t prev = l->fd == -1 ? 0 : l->nonce;

	boxrecord_head(head, f->nonce, prev, f->off);
	if (fd_write_at(f->fd, head, sizeof head, 0) == -1 || fstat(f->fd, &st) == -1 ||
	    (sync && (fsync(f->fd) == -1 || rename_file(f->dir) == -1))) {
		forget(f);
		return -1;
	}
	if (l->fd != -1)
		(void)close(l->fd);
	l->fd = f->fd;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	l->nonce = f->nonce;
	l->prev = prev;
	l->base = l->off = l->must = f->off;
	l->safe = 0;
	l->unnamed = !sync;
	memcpy(l->sum, f->sum, SUM_LEN);
	return 0;
}

int boxfile_commit(struct box_file *f, struct box_log *l)
{
	if (adopt(f, l, 1) == -1 || fsync(f->dir) == -1)
		return -1;
	l->safe = l->off;
	return 0;
}

static void drop(struct box_log *l, const char *name)
{
	int e = errno;

	(void)unlinkat(l->dir, name, 0);
	boxlog_shut(l);
	l->unnamed = 0;
	errno = e;
}

void boxlog_unname(struct box_log *l)
{
	if (l->unnamed)
		drop(l, fresh);
}

int boxlog_name(struct box_log *l)
{
	if (rename_file(l->dir) == -1) {
		drop(l, fresh);
		return -1;
	}
	if (fsync(l->fd) == -1 || fsync(l->dir) == -1) {
		drop(l, "quoin-uids"); /* who has opened it waits for our lock */
		return -1;
	}
	l->unnamed = 0;
	l->safe = l->off;
	return 0;
}

int boxlog_create(struct box_log *l, uint32_t uidvalidity, uint32_t uidnext)
{
	struct box_entry e = {.uid = uidvalidity, .hi = uidnext, .modseq = 1};
	struct sbuf b = SBUF_INIT(256);
	struct box_file f;
	size_t mark;
	int r = -1;

	if (boxfile_begin(&f, l->dir) == -1)
		return -1;
	if (boxlog_begin(&b) == 0 && boxitem_begin(&b, 'S', 0, 0, &mark) == 0 &&
	    boxitem_put(&b, 'S', &e) == 0) {
		boxitem_end(&b, mark, 1);
		r = boxfile_record(&f, &b);
	}
	sbuf_free(&b);
	if (r == -1) {
		forget(&f);
		return -1;
	}
	l->uidvalidity = uidvalidity;
	l->uidnext = uidnext;
	l->modseq = 1;
	return adopt(&f, l, 0);
}
