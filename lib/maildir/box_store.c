/* Flags and keywords of messages: files are renamed, then it is written down. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/box_int.h"

struct change {
	uint32_t at;
	uint8_t flags, was;
	uint8_t renamed, was_new, modified, reworded;
	uint64_t keywords;
};

struct storing {
	struct box *b;
	const struct box_store *s;
	struct change *change;
	size_t n;
	int renamed, reworded;
	struct change *now; /* that try_rename() is at */
};

static uint64_t combine(enum box_how how, uint64_t old, uint64_t bits)
{
	return how == BOX_ADD ? old | bits : how == BOX_REMOVE ? old & ~bits : bits;
}

/* Since plan(), when the name that was known was gone, and a look found another. */
static int is_modified(struct storing *t)
{
	const struct msg *m = box_at(t->b, t->now->at);

	t->now->modified = m != NULL && m->modseq > t->s->unchangedsince;
	return t->now->modified;
}

/* What another program has set meanwhile stands in the name, and stays. */
static int try_rename(void *arg, int dir, const char *name)
{
	struct storing *t = arg;
	struct change *c = t->now;
	char to[MSG_NAME + 1];
	struct msg_name n;

	if (is_modified(t))
		return 0;
	if (msg_name_read(&n, name) == -1) {
		errno = EINVAL;
		return -1;
	}
	c->was = (uint8_t)n.flags;
	c->was_new = dir == t->b->new_;
	c->flags = (uint8_t)combine(t->s->how, n.flags, t->s->flags);
	if (msg_name_make(to, name, c->flags) == -1)
		return -1;
	return strcmp(to, name) == 0 && !c->was_new
		   ? 0
		   : boxdir_move(dir, name, t->b->cur, to);
}

/* No flag changes. Was the name that the condition was judged by still the file's? */
static int try_stay(void *arg, int dir, const char *name)
{
	struct stat st;

	return is_modified(arg) ? 0 : fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW);
}

/* The file's name is what the list says with the new flags: back to the old one. */
static void undo(struct storing *t)
{
	int e = errno;

	for (size_t i = 0; i < t->n; i++) {
		struct change *c = &t->change[i];
		struct msg *m = c->renamed ? box_at(t->b, c->at) : NULL;
		char now[MSG_NAME + 1];
		char old[MSG_NAME + 1];

		if (m != NULL && msg_name_make(now, m->name, c->flags) == 0 &&
		    msg_name_make(old, m->name, c->was) == 0)
			(void)boxdir_move(t->b->cur, now,
					  c->was_new ? t->b->new_ : t->b->cur, old);
	}
	boxtimes_unsure(t->b);
	errno = e;
}

static int is_conditional(const struct storing *t)
{
	return t->s->unchangedsince != UINT64_MAX;
}

static void tell_modified(struct storing *t, size_t at)
{
	if (t->s->modified != NULL)
		t->s->modified(t->s->arg, at);
}

/* 1: it is to be looked at, 0: not; -1. */
static int plan(struct storing *t, size_t at, struct change *c)
{
	struct msg *m = box_at(t->b, at);

	if (m == NULL)
		return -1;
	if (m->state & MSG_GONE)
		return 0;
	if (m->modseq > t->s->unchangedsince) {
		tell_modified(t, at);
		return 0;
	}
	*c = (struct change){.at = (uint32_t)at,
			     .flags = (uint8_t)combine(t->s->how, m->flags, t->s->flags),
			     .was = (uint8_t)m->flags,
			     .keywords = combine(t->s->how, m->keywords, t->s->keywords)};
	c->reworded = c->keywords != m->keywords;
	return c->flags != c->was || c->reworded || is_conditional(t);
}

/* 1: it is to be written down, 0: not; -1. */
static int touch_one(struct storing *t, struct change *c)
{
	int renames = c->flags != c->was;

	t->now = c;
	if (renames || is_conditional(t)) {
		if (boxfile_with(t->b, c->at, renames ? try_rename : try_stay, t) == -1)
			return errno == ENOENT ? 0 : -1; /* it is gone */
		if (c->modified) {
			tell_modified(t, c->at);
			return 0;
		}
	}
	c->renamed = (uint8_t)renames;
	t->renamed |= renames;
	t->reworded |= c->reworded;
	return renames || c->reworded;
}

static int touch_all(struct storing *t, const uint32_t *at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct change *c = &t->change[t->n];
		int r = plan(t, at[i], c);

		if (r == 1)
			r = touch_one(t, c);
		if (r == -1)
			return -1;
		t->n += (size_t)r;
	}
	return 0;
}

static int put_changes(struct storing *t, struct box_batch *batch)
{
	for (int keywords = 0; keywords < 2; keywords++)
		for (size_t i = 0; i < t->n; i++) {
			struct change *c = &t->change[i];
			struct msg *m = box_at(t->b, c->at);
			struct box_entry e;

			if (m == NULL)
				return -1;
			e = (struct box_entry){
			    .uid = m->uid, .flags = c->flags, .keywords = c->keywords};
			if (keywords ? m->keywords == c->keywords : m->flags == c->flags)
				continue;
			if (boxbatch_put(batch, keywords ? 'K' : 'F', 0, &e) == -1)
				return -1;
		}
	return 0;
}

static int write_down(struct storing *t, const struct box_changes *own)
{
	struct box_batch batch;

	if (t->n == 0)
		return 0;
	if (boxbatch_begin(&batch, &box_state(t->b)->log, t->reworded, boxapply, t->b) ==
	    -1)
		return -1;
	if (put_changes(t, &batch) == -1 || boxtimes_put(&batch, own) == -1) {
		boxbatch_abort(&batch);
		return -1;
	}
	return boxbatch_end(&batch);
}

static int store(struct storing *t, const uint32_t *at, size_t n)
{
	struct box_changes own;

	boxtimes_begin(&own, t->b->new_, t->b->cur);
	if (touch_all(t, at, n) == -1 || write_down(t, &own) == -1) {
		undo(t);
		return -1;
	}
	return t->renamed && fsync(t->b->cur) == -1 ? -1 : 0;
}

int box_store(struct box *b, const uint32_t *at, size_t n, const struct box_store *s)
{
	struct storing t = {.b = b, .s = s};
	int r;

	if (n == 0)
		return 0;
	t.change = reallocarray(NULL, n, sizeof *t.change);
	if (t.change == NULL)
		return -1;
	r = boxsession_lock(b, NULL);
	if (r == 0) {
		r = store(&t, at, n);
		boxlog_unlock(&box_state(b)->log);
	}
	free(t.change);
	return r;
}
