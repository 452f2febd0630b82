/* The list of messages, in blocks. Those that are as the index has them may go from memory
 * and come back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/box_int.h"

void boxlist_init(struct box_list *l)
{
	*l = (struct box_list){.fd = -1};
}

static void let_go(struct box_block *b)
{
	free(b->m);
	free(b->names);
	b->m = NULL;
	b->names = NULL;
	b->room = b->names_len = b->names_room = 0;
}

void boxlist_free(struct box_list *l)
{
	for (size_t i = 0; i < l->blocks; i++)
		let_go(&l->block[i]);
	free(l->block);
	l->block = NULL;
	l->blocks = l->room = l->n = l->last = 0;
}

static int has(const struct box_block *b, size_t i)
{
	return i >= b->first && i - b->first < b->n;
}

struct box_block *boxlist_which(struct box_list *l, size_t i)
{
	size_t lo = 0;
	size_t hi = l->blocks;

	if (l->last < l->blocks && has(&l->block[l->last], i))
		return &l->block[l->last];
	if (i >= l->n) {
		errno = ERANGE;
		return NULL;
	}
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->block[mid].first <= i)
			lo = mid;
		else
			hi = mid;
	}
	l->last = lo;
	return &l->block[lo];
}

/* Clean ones, from where the hand stands, until no more than keep are there. */
void boxlist_rest(struct box_list *l, size_t keep)
{
	for (size_t i = 0; i < l->blocks && l->loaded > keep; i++) {
		size_t at = l->hand < l->blocks ? l->hand : 0;
		struct box_block *b = &l->block[at];

		l->hand = at + 1;
		if (at == l->last || b->m == NULL || b->dirty || b->at == 0)
			continue;
		(void)boxlist_tally(b);
		let_go(b);
		l->loaded--;
	}
}

struct box_block *boxlist_block(struct box_list *l, size_t i, size_t *k)
{
	struct box_block *b = boxlist_which(l, i);

	if (b == NULL)
		return NULL;
	*k = i - b->first;
	if (b->m != NULL)
		return b;
	if (boxindex_load(l, b) == -1)
		return NULL;
	l->loaded += !b->dirty;
	if (!l->pinned && l->loaded > BLOCKS_KEPT)
		boxlist_rest(l, BLOCKS_KEPT);
	return b;
}

struct msg *boxlist_at(struct box_list *l, size_t i)
{
	size_t k;
	struct box_block *b = boxlist_block(l, i, &k);

	return b == NULL ? NULL : &b->m[k];
}

struct msg *boxlist_learn(struct box_list *l, size_t i)
{
	size_t k;
	struct box_block *b = boxlist_block(l, i, &k);

	if (b == NULL)
		return NULL;
	if (!b->dirty && b->at != 0)
		l->loaded--;
	b->dirty = b->stale = 1;
	l->learned++;
	return &b->m[k];
}

struct msg *boxlist_change(struct box_list *l, size_t i)
{
	struct msg *m = boxlist_learn(l, i);

	if (m != NULL)
		boxlist_which(l, i)->changed = 1;
	return m;
}

/* ---- coming and going ---- */

static int add_block(struct box_list *l)
{
	struct box_block *p;
	size_t room = l->room == 0 ? 16 : l->room * 2;

	if (l->blocks < l->room) {
		l->block[l->blocks++] =
		    (struct box_block){.first = (uint32_t)l->n, .dirty = 1};
		return 0;
	}
	p = reallocarray(l->block, room, sizeof *p);
	if (p == NULL)
		return -1;
	l->block = p;
	l->room = room;
	return add_block(l);
}

/* Behind a full block the next one becomes full as well. */
static int make_room(const struct box_list *l, struct box_block *b)
{
	uint32_t room = b->room > 0 ? b->room * 2 : l->blocks > 1 ? BLOCK : 16;
	struct msg *p;

	if (b->n < b->room)
		return 0;
	p = reallocarray(b->m, room, sizeof *p);
	if (p == NULL)
		return -1;
	b->m = p;
	b->room = room;
	return 0;
}

int boxlist_append(struct box_list *l, const struct msg *m, const char *name)
{
	struct box_block *b;
	const char *slot;

	if (l->n >= BOX_MESSAGES) {
		errno = EOVERFLOW;
		return -1;
	}
	if ((l->blocks == 0 || l->block[l->blocks - 1].n >= BLOCK) && add_block(l) == -1)
		return -1;
	b = &l->block[l->blocks - 1];
	if ((b->n > 0 && boxlist_change(l, l->n - 1) == NULL) || make_room(l, b) == -1)
		return -1;
	slot = boxnames_add(b, name);
	if (slot == NULL)
		return -1;
	b->m[b->n] = *m;
	b->m[b->n].name = slot;
	if (b->n++ == 0)
		b->first_uid = m->uid;
	b->last_uid = m->uid;
	b->stale = b->changed = 1;
	l->n++;
	return 0;
}

size_t boxlist_find(struct box_list *l, uint32_t uid)
{
	size_t lo = 0;
	size_t hi = l->blocks;
	struct box_block *b;
	size_t k;

	while (lo < hi) { /* the first block that ends at or above uid */
		size_t mid = lo + (hi - lo) / 2;

		if (l->block[mid].last_uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == l->blocks)
		return l->n;
	if (uid <= l->block[lo].first_uid)
		return l->block[lo].first;
	b = boxlist_block(l, l->block[lo].first, &k);
	if (b == NULL)
		return l->n;
	hi = b->n;
	for (k = 0; k < hi;) {
		size_t mid = k + (hi - k) / 2;

		if (b->m[mid].uid < uid)
			k = mid + 1;
		else
			hi = mid;
	}
	return b->first + k;
}

static void renumber(struct box_list *l)
{
	size_t to = 0;

	l->n = 0;
	for (size_t i = 0; i < l->blocks; i++) {
		if (l->block[i].n == 0) {
			let_go(&l->block[i]);
			continue;
		}
		l->block[to] = l->block[i];
		l->block[to].first = (uint32_t)l->n;
		l->n += l->block[to++].n;
	}
	l->blocks = to;
	l->last = 0;
}

static void drop_in(struct box_block *b, uint32_t from)
{
	uint32_t to = from;

	for (uint32_t i = from; i < b->n; i++)
		if (!(b->m[i].state & MSG_GONE))
			b->m[to++] = b->m[i];
	b->n = to;
	if (to > 0) {
		b->first_uid = b->m[0].uid;
		b->last_uid = b->m[to - 1].uid;
	}
	b->stale = 1;
}

void boxlist_drop_gone(struct box_list *l, size_t from)
{
	for (size_t i = 0; i < l->blocks; i++) {
		struct box_block *b = &l->block[i];

		if (b->m != NULL && b->first + b->n > from && boxlist_tally(b)->gone > 0)
			drop_in(b, from > b->first ? (uint32_t)(from - b->first) : 0);
	}
	renumber(l);
}

/* ---- sums over a block ---- */

void boxlist_count(struct box_tally *t, const struct msg *m)
{
	if (m->state & MSG_GONE) {
		t->gone++;
		return;
	}
	t->unseen += !(m->flags & MSG_SEEN);
	t->deleted += (m->flags & MSG_DELETED) != 0;
	t->in_new += (m->state & MSG_NEW) != 0;
	t->unsized += m->size == 0 && !(m->state & MSG_SIZED);
	t->bytes += m->size;
	if (m->modseq > t->modseq)
		t->modseq = m->modseq;
}

const struct box_tally *boxlist_tally(struct box_block *b)
{
	if (b->stale) {
		b->tally = (struct box_tally){0};
		for (uint32_t i = 0; i < b->n; i++)
			boxlist_count(&b->tally, &b->m[i]);
		b->stale = 0;
	}
	return &b->tally;
}
