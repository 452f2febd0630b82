/* A folder that is not open: what is needed to put messages into it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/box_int.h"

struct box_kept {
	struct box_log log; /* without a lock */
};

static int open_part(int dir, const char *name)
{
	return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int lock(struct box_log *l)
{
	int r = boxlog_lock(l, NULL, NULL);

	if (r == 0 || errno != ESTALE)
		return r;
	/* Set aside just now: there is another. */
	return boxlog_reopen(l) == -1 ? -1 : boxlog_lock(l, NULL, NULL);
}

static int open_parts(struct box_target *t, int dir)
{
	*t = (struct box_target){.dir = dir, .tmp = -1, .new_ = -1, .cur = -1};
	t->log.fd = t->log.lock = -1;
	t->cur = open_part(dir, "cur");
	t->new_ = t->cur == -1 ? -1 : open_part(dir, "new");
	t->tmp = t->new_ == -1 ? -1 : open_part(dir, "tmp");
	return t->tmp == -1 ? -1 : 0;
}

static int is_absent(const struct box_log *l)
{
	if (l->fd == -1)
		return 1;
	errno = EEXIST;
	return 0;
}

int boxtarget_open_new(struct box_target *t, int dir)
{
	if (open_parts(t, dir) == 0 && boxlog_open(&t->log, dir) == 0 &&
	    is_absent(&t->log) && boxlog_lock_alone(&t->log) == 0 &&
	    boxlog_reopen(&t->log) == 0 && is_absent(&t->log))
		return 0;
	boxtarget_close(t);
	return -1;
}

/* Of the file that has the name now? While it is open no other has its number. */
static int is_current(const struct box_log *l, int dir)
{
	struct stat st;

	return l->fd != -1 && fstatat(dir, "quoin-uids", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_ino == l->ino && st.st_dev == l->dev;
}

static int open_log(struct box_log *l, int dir, struct box_kept *kept)
{
	if (kept != NULL && is_current(&kept->log, dir)) {
		*l = kept->log;
		l->dir = dir;
		kept->log = (struct box_log){.fd = -1, .lock = -1};
		return 0;
	}
	if (boxlog_open(l, dir) == -1 && errno != EBADMSG)
		return -1;
	boxindex_start(l);
	return 0;
}

int boxtarget_open(struct box_target *t, int dir, struct box_kept *kept)
{
	if (open_parts(t, dir) == 0 && open_log(&t->log, dir, kept) == 0 &&
	    lock(&t->log) == 0)
		return 0;
	boxtarget_close(t);
	return -1;
}

/* Not the lock's file: it belongs to the folder's name, not to quoin-uids. */
void boxtarget_keep(struct box_target *t, struct box_kept **kept)
{
	if (*kept == NULL) {
		*kept = malloc(sizeof **kept);
		if (*kept == NULL)
			return;
	} else {
		boxlog_close(&(*kept)->log);
	}
	boxlog_unlock(&t->log);
	(void)close(t->log.lock);
	t->log.lock = -1;
	(*kept)->log = t->log;
	t->log = (struct box_log){.fd = -1, .lock = -1};
}

void box_forget(struct box_kept *kept)
{
	if (kept != NULL)
		boxlog_close(&kept->log);
	free(kept);
}

void boxtarget_close(struct box_target *t)
{
	int fds[] = {t->tmp, t->new_, t->cur};
	int e = errno;

	boxlog_unlock(&t->log);
	boxlog_close(&t->log);
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] != -1)
			(void)close(fds[i]);
	errno = e;
}
