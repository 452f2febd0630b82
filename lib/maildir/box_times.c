/* A change of ours changes the directories' times too. Their times before and behind go
 * into the record: who knew the directory before (this session or another) knows it
 * behind, without reading it. We have the lock, so no other of us is at work; what a foreign
 * program did in the same moment shows in the look that follows when the tick is long
 * over (DIR_TICK). */
#include <string.h>

#include "maildir/box_int.h"

enum { TIMES_LEN = 48, CUR = 0, NEW = 1 };

void boxtimes_begin(struct box_changes *o, int new_, int cur)
{
	*o = (struct box_changes){.new_ = new_, .cur = cur};
	o->known =
	    boxdir_times(new_, &o->new_t) == 0 && boxdir_times(cur, &o->cur_t) == 0;
}

static void store(char *p, const struct box_times *t)
{
	uint64_t v[3] = {t->ino, (uint64_t)t->mtime, (uint64_t)t->ctime};

	for (size_t i = 0; i < 24; i++)
		p[i] = (char)(v[i / 8] >> 8 * (7 - i % 8) & 0xff);
}

static void load(const char *p, struct box_times *t)
{
	uint64_t v[3] = {0};

	for (size_t i = 0; i < 24; i++)
		v[i / 8] = v[i / 8] << 8 | (uint8_t)p[i];
	*t = (struct box_times){v[0], (int64_t)v[1], (int64_t)v[2]};
}

static int put_one(struct box_batch *t, uint8_t which, int fd,
		   const struct box_times *before)
{
	struct box_times now;
	char text[TIMES_LEN];
	struct box_entry e = {.flags = which, .text = text, .len = sizeof text};

	if (boxdir_times(fd, &now) == -1 || boxdir_same(&now, before))
		return 0;
	store(text, before);
	store(text + TIMES_LEN / 2, &now);
	return boxbatch_put(t, 'T', 0, &e);
}

int boxtimes_put(struct box_batch *t, const struct box_changes *o)
{
	if (!o->known)
		return 0;
	return put_one(t, NEW, o->new_, &o->new_t) == -1
		   ? -1
		   : put_one(t, CUR, o->cur, &o->cur_t);
}

void boxtimes_take(struct box *b, const struct box_entry *e)
{
	struct box_watched *w =
	    e->flags == NEW ? &box_state(b)->new_ : &box_state(b)->cur;
	struct box_times before;

	load(e->text, &before);
	if (w->level == DIR_NONE || !boxdir_same(&before, &w->t))
		return;
	load(e->text + TIMES_LEN / 2, &w->t);
	w->level = DIR_TICK;
}

void boxtimes_unsure(struct box *b)
{
	box_state(b)->new_.level = box_state(b)->cur.level = DIR_NONE;
}
