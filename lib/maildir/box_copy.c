/* Copies into another folder, or moves: all, or none. The two folders' locks are never
 * held together. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/box_int.h"

enum { LOOKS = 3 }; /* at the whole folder, for files that others rename */

struct copied {
	size_t from, to; /* names: offsets; the source's without its directory */
	uint32_t at;
	int was_new;
};

struct copying {
	struct box *b;
	struct box_target t;
	int move;
	uint32_t *at;
	size_t n; /* done */
	struct copied *done;
	struct box_arrival *arrival;
	uint64_t *bits;
	struct sbuf names;
	int8_t word[BOX_KEYWORDS]; /* bits there of bits here; -1 not yet, -2 none */
	int looks;
	char name[MSG_NAME + 1]; /* in the target, of the one at work */
	char source[MSG_NAME + 1];
	unsigned flags;
	int was_new;
};

static int try_copy(void *arg, int dir, const char *name)
{
	struct copying *c = arg;

	if (boxdir_fresh(c->name, name, c->flags) == -1)
		return -1;
	memcpy(c->source, name, strlen(name) + 1);
	c->was_new = dir == c->b->new_;
	if (c->move)
		return boxdir_move(dir, name, c->t.cur, c->name);
	if (linkat(dir, name, c->t.cur, c->name, 0) == 0)
		return 0;
	return errno == EXDEV || errno == EMLINK || errno == EPERM || errno == ENOTSUP
		   ? boxdir_copy(dir, name, c->t.tmp, c->t.cur, c->name)
		   : -1;
}

/* 64 names are given there: it comes without this one. */
static int word_there(struct copying *c, unsigned bit)
{
	const char *name = box_keyword(c->b, bit);
	int there;

	if (c->word[bit] != -1)
		return 0;
	there = name == NULL ? -1 : boxwords_make(&c->t.log, NULL, NULL, name);
	if (there == -1 && name != NULL && errno != EMLINK)
		return -1;
	c->word[bit] = (int8_t)(there == -1 ? -2 : there);
	return 0;
}

static int words_there(struct copying *c, uint64_t keywords, uint64_t *bits)
{
	*bits = 0;
	for (unsigned i = 0; i < BOX_KEYWORDS; i++) {
		if (!(keywords >> i & 1))
			continue;
		if (word_there(c, i) == -1)
			return -1;
		if (c->word[i] >= 0)
			*bits |= UINT64_C(1) << c->word[i];
	}
	return 0;
}

/* The name of a done one, kept: BASE,FIELDS for the record, all of it to undo. */
static int remember(struct copying *c, uint32_t at, const struct msg *m)
{
	struct copied *d = &c->done[c->n];

	*d = (struct copied){.from = c->names.len, .at = at, .was_new = c->was_new};
	if (sbuf_catz(&c->names, c->source) == -1)
		return -1;
	d->to = c->names.len;
	if (sbuf_catz(&c->names, c->name) == -1)
		return -1;
	c->arrival[c->n].flags = m->flags;
	if (words_there(c, m->keywords, &c->bits[c->n]) == -1)
		return -1;
	c->at[c->n++] = at;
	return 0;
}

static void undo_one(struct copying *c, const char *from, int was_new, const char *to)
{
	if (c->move)
		(void)boxdir_move(c->t.cur, to, was_new ? c->b->new_ : c->b->cur, from);
	else
		(void)unlinkat(c->t.cur, to, 0);
}

static void undo(struct copying *c)
{
	int e = errno;

	for (size_t i = 0; i < c->n; i++)
		undo_one(c, c->names.p + c->done[i].from, c->done[i].was_new,
			 c->names.p + c->done[i].to);
	errno = e;
}

static int copy_one(struct copying *c, uint32_t at)
{
	struct msg *m = box_at(c->b, at);

	if (m == NULL)
		return -1;
	if (m->state & MSG_GONE)
		return 0;
	c->flags = m->flags;
	if (boxfile_try(c->b, at, try_copy, c, &c->looks) == -1)
		return errno == ENOENT ? 0 : -1;
	m = box_at(c->b, at);
	if (m != NULL && remember(c, at, m) == 0)
		return 0;
	undo_one(c, c->source, c->was_new, c->name);
	return -1;
}

/* The arrivals' names point into names, which moves no more. In the record there is no
 * info part: it is cut off here, and put back for undo. */
static int write_down(struct copying *c, const struct box_changes *own)
{
	int r;

	for (size_t i = 0; i < c->n; i++) {
		char *name = c->names.p + c->done[i].to;

		c->arrival[i].base = name;
		name[strcspn(name, ":")] = '\0';
	}
	r = boxarrive_write(&c->t, c->arrival, c->bits, c->n, own);
	for (size_t i = 0; i < c->n && r == -1; i++)
		c->names.p[c->done[i].to + strlen(c->names.p + c->done[i].to)] = ':';
	return r;
}

static int copy_all(struct copying *c, const uint32_t *at, size_t n)
{
	struct box_changes own;

	boxtimes_begin(&own, c->t.new_, c->t.cur);
	for (size_t i = 0; i < n; i++)
		if (copy_one(c, at[i]) == -1) {
			undo(c);
			return -1;
		}
	if (c->n == 0 || write_down(c, &own) == 0)
		return 0;
	undo(c);
	return -1;
}

/* They are there, durable; that they are gone here every look would find. */
static void leave_source(struct copying *c)
{
	boxtimes_unsure(c->b);
	if (boxsession_lock(c->b, NULL) == -1)
		return;
	(void)boxexpunge_write(c->b, c->at, c->n);
	boxlog_unlock(&box_state(c->b)->log);
}

static int allocate(struct copying *c, size_t n)
{
	c->done = reallocarray(NULL, n, sizeof *c->done);
	c->arrival = calloc(n, sizeof *c->arrival);
	c->bits = reallocarray(NULL, n, sizeof *c->bits);
	return c->done == NULL || c->arrival == NULL || c->bits == NULL ? -1 : 0;
}

int box_copy(struct box *b, uint32_t *at, size_t n, int to, int move,
	     struct box_copied *out)
{
	struct copying c = {.b = b,
			    .move = move,
			    .at = at,
			    .looks = LOOKS,
			    .names = SBUF_INIT(SIZE_MAX / 2)};
	int r = -1;

	memset(c.word, -1, sizeof c.word);
	*out = (struct box_copied){0};
	if (allocate(&c, n + 1) == 0 && boxtarget_open(&c.t, to, NULL) == 0) {
		*out = (struct box_copied){c.t.log.uidvalidity, c.t.log.uidnext, 0};
		r = copy_all(&c, at, n);
		boxtarget_close(&c.t);
		out->done = r == 0 ? c.n : 0;
		if (r == 0 && move && c.n > 0)
			leave_source(&c);
	}
	free(c.done);
	free(c.arrival);
	free(c.bits);
	sbuf_free(&c.names);
	return r;
}
