/* box: what has changed since the last look? */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/box_int.h"

enum { SMALL = 500 }; /* entries of a directory that is read rather than trusted */

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

/* A file that nobody calls safe: who makes it has the lock until it and its name are synced,
 * or takes it back; or he was killed, and it is for us to sync them. */
static int trust(struct box *b)
{
	struct box_log *l = &box_state(b)->log;
	uint32_t validity = l->uidvalidity;
	int held = boxlog_lock_alone(l) == 0;
	int r = -1;

	if (!held && errno != EROFS && errno != EACCES)
		return -1;
	if (boxsession_read(b) == 0) {
		errno = ESTALE;
		r = l->uidvalidity == validity ? boxlog_sync(l) : -1;
	}
	if (held)
		boxlog_unlock(l);
	return r;
}

/* All that is known is shown; first it must be durable. */
static int show(struct box *b)
{
	struct box_state *s = box_state(b);

	if (is_other(b) || (s->log.safe == 0 && trust(b) == -1) ||
	    (s->unsynced && boxlog_sync(&s->log) == -1))
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
