/* box: opening, looking, closing. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/box_int.h"

enum { SMALL = 500 }; /* entries of a directory that is read rather than trusted */

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
	sum_init(&s);
	sum_add(&s, id, n > 0 ? (size_t)n : 0);
	sum_end(&s, sum);
	memcpy(boxboot, sum, BOOT_LEN);
}

/* ---- the log and the list together ---- */

int boxsession_read(struct box *b)
{
	unsigned news;

	if (box_state(b)->broken)
		return boxreload(b);
	if (boxlog_read(&box_state(b)->log, boxapply, b, &news) == 0)
		return 0;
	return errno == ESTALE || box_state(b)->broken ? boxreload(b) : -1;
}

/* Whoever knows the uids of before must open the folder anew. */
static int is_other(const struct box *b)
{
	if (b->uidvalidity == 0 || b->uidvalidity == box_state(b)->log.uidvalidity)
		return 0;
	errno = ESTALE;
	return 1;
}

int boxsession_lock(struct box *b, int *news)
{
	struct box_log *l = &box_state(b)->log;
	uint64_t off = l->off;
	uint64_t nonce = l->nonce;

	if (box_state(b)->broken && boxreload(b) == -1)
		return -1;
	if (boxlog_lock(l, boxapply, b) == -1 &&
	    (errno != ESTALE || boxreload(b) == -1 || boxlog_lock(l, boxapply, b) == -1))
		return -1;
	if (is_other(b)) {
		boxlog_unlock(l);
		return -1;
	}
	if (news != NULL)
		*news = l->off != off || l->nonce != nonce;
	return 0;
}

/* ---- what the directories say ---- */

/* A small one is read as long as it may have changed unseen; for a large one that waits
 * until its time is proof. */
static int is_stale(int fd, const struct box_watched *w)
{
	struct box_times now;

	if (boxdir_times(fd, &now) == -1 || !boxdir_same(&now, &w->t))
		return 1;
	if (w->level == DIR_PROOF)
		return 0;
	return w->level == DIR_NONE || w->entries <= SMALL ||
	       boxdir_level(&now) == DIR_PROOF;
}

static int has_claims(struct box *b)
{
	struct box_list *l = &box_state(b)->list;

	for (size_t i = 0; i < l->blocks && (b->flags & BOX_CLAIM); i++)
		if (boxlist_tally(&l->block[i])->in_new > 0)
			return 1;
	return 0;
}

static int is_quiet(struct box *b, const struct box_look *l)
{
	return l->unknown.n == 0 && l->twice.n == 0 && l->missing == 0 && !l->flags &&
	       !has_claims(b);
}

/* Under the lock: what a look without it found must still be true if nobody has written
 * since; and what is missing must be missed twice. */
static int look_again(struct box *b, struct box_look *l, struct box_look *earlier,
		      int news)
{
	if (news && boxlook(b, l, l->whole) == -1)
		return -1;
	if (l->missing == 0)
		return boxcommit(b, l, NULL);
	*earlier = *l;
	*l = (struct box_look){.names = SBUF_INIT(0)};
	if (boxlook(b, l, 1) == -1)
		return -1;
	return boxcommit(b, l, earlier);
}

static int write_down(struct box *b, struct box_look *l)
{
	struct box_look earlier = {.names = SBUF_INIT(0)};
	int news;
	int r;

	if (boxsession_lock(b, &news) == -1) {
		/* What cannot be changed can be read, but for what has no uid. */
		if ((errno != EROFS && errno != EACCES) || box_state(b)->log.fd == -1)
			return -1;
		return boxcommit_names(b, l);
	}
	r = look_again(b, l, &earlier, news);
	boxlog_unlock(&box_state(b)->log);
	boxlook_free(&earlier);
	return r;
}

int boxscan(struct box *b, int force)
{
	struct box_state *s = box_state(b);
	struct box_look l = {.names = SBUF_INIT(0)};
	int cur = force || is_stale(b->cur, &s->cur);
	int r;

	if (!cur && !is_stale(b->new_, &s->new_) && !has_claims(b))
		return 0;
	s->list.pinned++;
	r = boxlook(b, &l, cur);
	if (r == 0) {
		if (is_quiet(b, &l)) {
			r = boxcommit_names(b, &l);
			boxcommit_times(b, &l);
		} else {
			r = write_down(b, &l);
		}
	}
	s->list.pinned--;
	boxlist_rest(&s->list, BLOCKS_KEPT);
	boxlook_free(&l);
	return r;
}

/* ---- the session ---- */

/* All that is known is shown; first it must be durable. */
static int show(struct box *b)
{
	struct box_state *s = box_state(b);

	if (is_other(b) || (s->unsynced && boxlog_sync(&s->log) == -1))
		return -1;
	s->unsynced = 0;
	if (s->list.n > b->count) {
		boxlist_drop_gone(&s->list, b->count);
		b->count = s->list.n;
	}
	b->uidvalidity = s->log.uidvalidity;
	b->uidnext = s->log.uidnext;
	b->highestmodseq = s->log.modseq;
	return 0;
}

int box_sync(struct box *b)
{
	boxrepair_free(box_state(b)->list.spare);
	box_state(b)->list.spare = NULL;
	return boxsession_read(b) == -1 || boxscan(b, 0) == -1 ? -1 : show(b);
}

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

/* A folder without a log gets one even if it is empty: its uidvalidity is told. */
static int make_log(struct box *b)
{
	if (box_state(b)->log.fd != -1)
		return 0;
	if (boxsession_lock(b, NULL) == -1)
		return -1;
	boxlog_unlock(&box_state(b)->log);
	return 0;
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
	if (open_parts(b) == 0 && open_log(b) == 0 && make_log(b) == 0 &&
	    box_sync(b) == 0)
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
