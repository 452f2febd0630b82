/* The list as the session shows it. */
#include <errno.h>

#include "maildir/box_int.h"

struct msg *box_at(struct box *b, size_t i)
{
	if (i < b->count)
		return boxlist_at(&box_state(b)->list, i);
	errno = ERANGE;
	return NULL;
}

size_t box_find(struct box *b, uint32_t uid)
{
	size_t i = boxlist_find(&box_state(b)->list, uid);

	return i < b->count ? i : b->count;
}

void box_told(struct msg *m)
{
	m->state &= (uint16_t)~MSG_CHANGED;
}

/* The first from there on with a bit of state; blocks that have none are passed over. */
static size_t next_with(struct box *b, size_t from, unsigned bit,
			int (*may)(struct box_block *))
{
	struct box_list *l = &box_state(b)->list;

	while (from < b->count) {
		struct box_block *k = boxlist_which(l, from);

		if (k == NULL)
			return b->count;
		for (;
		     k->m != NULL && may(k) && from < b->count && from - k->first < k->n;
		     from++)
			if ((k->m[from - k->first].state & (bit | MSG_GONE)) == bit)
				return from;
		from = k->first + k->n;
	}
	return b->count;
}

static int may_be_changed(struct box_block *k)
{
	unsigned any = 0;

	if (!k->changed)
		return 0;
	for (size_t i = 0; i < k->n; i++)
		any |= k->m[i].state;
	k->changed = (any & MSG_CHANGED) != 0;
	return k->changed;
}

static int may_be_gone(struct box_block *k)
{
	return boxlist_tally(k)->gone > 0;
}

size_t box_next_changed(struct box *b, size_t from)
{
	return next_with(b, from, MSG_CHANGED, may_be_changed);
}

size_t box_next_gone(struct box *b, size_t from)
{
	return b->gone == 0 ? b->count : next_with(b, from, MSG_GONE, may_be_gone);
}

size_t box_next_since(struct box *b, size_t from, uint64_t since)
{
	struct box_list *l = &box_state(b)->list;

	while (from < b->count) {
		struct box_block *k = boxlist_which(l, from);
		struct msg *m;

		if (k == NULL)
			return b->count;
		if (boxlist_tally(k)->modseq <= since) {
			from = k->first + k->n;
			continue;
		}
		m = boxlist_at(l, from);
		if (m == NULL || (m->modseq > since && !(m->state & MSG_GONE)))
			return m == NULL ? b->count : from;
		from++;
	}
	return b->count;
}

void box_drop_gone(struct box *b)
{
	struct box_list *l = &box_state(b)->list;

	if (b->gone == 0)
		return;
	for (size_t i = 0; (i = box_next_gone(b, i)) < b->count; i++)
		b->recent -= (boxlist_at(l, i)->state & MSG_RECENT) != 0;
	boxlist_drop_gone(l, 0);
	b->count -= b->gone;
	b->gone = 0;
}

/* ---- counts ---- */

static size_t first_unseen(struct box *b)
{
	struct box_list *l = &box_state(b)->list;

	for (size_t k = 0; k < l->blocks; k++) {
		if (boxlist_tally(&l->block[k])->unseen == 0)
			continue;
		for (size_t i = l->block[k].first;
		     i < b->count && i - l->block[k].first < l->block[k].n; i++) {
			struct msg *m = boxlist_at(l, i);

			if (m == NULL)
				break;
			if (!(m->flags & MSG_SEEN) && !(m->state & MSG_GONE))
				return i;
		}
	}
	return b->count;
}

static int size_all(struct box *b, struct box_block *k)
{
	size_t first = k->first;
	size_t n = k->n;

	for (size_t i = first; i < b->count && i - first < n; i++) {
		struct msg *m = boxlist_at(&box_state(b)->list, i);

		if (m == NULL)
			return -1;
		if (m->size == 0 && !(m->state & (MSG_SIZED | MSG_GONE)) &&
		    box_size(b, i) == -1 && errno != ENOENT && errno != EINVAL)
			return -1;
	}
	return 0;
}

int box_counts(struct box *b, struct box_counts *c, int with_bytes)
{
	struct box_list *l = &box_state(b)->list;

	*c = (struct box_counts){.first_unseen = first_unseen(b)};
	for (size_t k = 0; k < l->blocks && l->block[k].first < b->count; k++) {
		const struct box_tally *t = boxlist_tally(&l->block[k]);

		if (with_bytes && t->unsized > 0) {
			if (size_all(b, &l->block[k]) == -1)
				return -1;
			t = boxlist_tally(&l->block[k]);
		}
		c->unseen += t->unseen;
		c->deleted += t->deleted;
		c->in_new += t->in_new;
		c->bytes += t->bytes;
	}
	return 0;
}
