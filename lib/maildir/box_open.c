/* box: opening and closing. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/box_int.h"
#include "maildir/store.h"
#include "rnd.h"

static void warn_nobody(const char *what, const char *name)
{
	(void)what;
	(void)name;
}
void (*box_warn)(const char *what, const char *name) = warn_nobody;

void boxwarn(const char *what, const char *name)
{
	box_warn(what, name);
}

uint8_t boxboot[BOOT_LEN];

void box_boot(void)
{
	char id[64] = "";
	uint8_t sum[SUM_LEN];
	struct sum s;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? 0 : read(fd, id, sizeof id);

	if (fd != -1)
		(void)close(fd);
	if (n <= 0) { /* nothing is proof: no two sessions are of one boot */
		rnd_bytes(boxboot, BOOT_LEN);
		return;
	}
	sum_init(&s);
	sum_add(&s, id, (size_t)n);
	sum_end(&s, sum);
	memcpy(boxboot, sum, BOOT_LEN);
}

/* ---- the session ---- */

static int open_part(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd != -1 || errno != ENOENT)
		return fd;
	if (mkdirat(dir, name, 0700) == -1 && errno != EEXIST)
		return -1;
	return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A folder is what has a cur/; the others may be lost and are made again. */
static int open_parts(struct box *b)
{
	struct stat st;

	if (!(b->flags & BOX_MAKE) &&
	    fstatat(b->dir, "cur", &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	if (fstatat(b->dir, "tmp", &st, AT_SYMLINK_NOFOLLOW) == -1)
		(void)mkdirat(b->dir, "tmp", 0700);
	b->cur = open_part(b->dir, "cur");
	b->new_ = b->cur == -1 ? -1 : open_part(b->dir, "new");
	return b->new_ == -1 ? -1 : 0;
}

static void free_parts(struct box *b)
{
	struct box_state *s = box_state(b);
	int e = errno;

	if (s != NULL) {
		boxlist_free(&s->list);
		boxrepair_free(s->list.spare);
		if (s->list.fd != -1)
			(void)close(s->list.fd);
		boxlog_close(&s->log);
		boxuidl_free(s->uidls);
		free(s->runs);
		free(s);
	}
	if (b->new_ != -1)
		(void)close(b->new_);
	if (b->cur != -1)
		(void)close(b->cur);
	errno = e;
}

static int open_log(struct box *b)
{
	struct box_state *s = box_state(b);

	if (boxlog_open(&s->log, b->dir) == 0) {
		boxindex_use(b);
		if (boxsession_read(b) == 0) {
			if (!boxlog_is_short(&s->log))
				return 0;
			errno = EBADMSG;
		}
	}
	if (errno != EBADMSG)
		return -1;
	/* Damaged: whoever has the lock sets it aside. */
	if (boxsession_lock(b, NULL) == -1)
		return -1;
	boxlog_unlock(&s->log);
	return 0;
}

/* A folder without a log gets one even if it is empty: its uidvalidity is told. It becomes
 * visible when it has all uids of the first look, by the same syncs. */
static int first_look(struct box *b)
{
	struct box_log *l = &box_state(b)->log;
	int r = -1;

	if (boxlog_lock_alone(l) == -1)
		return -1;
	if (boxsession_read(b) == 0 && l->fd == -1 &&
	    boxlog_create(l, store_validity(b->dir), 1) == 0) {
		r = box_sync(b) == -1 || boxlog_sync(l) == -1 ? -1 : 0;
		boxlog_unname(l);
	} else if (l->fd != -1) {
		r = 1;
	}
	boxlog_unlock(l);
	return r;
}

static int look(struct box *b)
{
	int r = box_state(b)->log.fd == -1 ? first_look(b) : 1;

	/* 1: somebody else was first. */
	return r == 1 ? box_sync(b) : r;
}

int box_open(struct box *b, int dir, int flags)
{
	struct box_state *s = calloc(1, sizeof *s);

	*b = (struct box){.dir = dir, .new_ = -1, .cur = -1, .flags = flags};
	if (s == NULL)
		return -1;
	b->list = (struct box_list *)(void *)s;
	b->words = &s->log.words;
	b->log = &s->log;
	boxlist_init(&s->list);
	s->list.dir = dir;
	s->log.fd = s->log.lock = -1;
	if (open_parts(b) == 0 && open_log(b) == 0 && look(b) == 0)
		return 0;
	free_parts(b);
	return -1;
}

void box_close(struct box *b)
{
	box_checkpoint(b);
	free_parts(b);
	(void)close(b->dir);
}
