/* A block of the index is damaged: its messages are taken from the log. Which lie in it is
 * known by its uids; their names follow from the log, and the next look corrects them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/box_int.h"

/* Was it there when the index was written? An expunged one has its expunge's modseq. */
static int was_there(const struct box_list *l, const struct msg *m)
{
	return !(m->state & MSG_GONE) || m->modseq > l->index_modseq;
}

static int fill(const struct box_list *l, struct box_list *all, struct box_block *b)
{
	struct box_list one;

	boxlist_init(&one);
	for (size_t i = boxlist_find(all, b->first_uid); i < all->n; i++) {
		struct msg m = *boxlist_at(all, i);

		if (m.uid > b->last_uid)
			break;
		if (!was_there(l, &m))
			continue;
		m.state &= (uint16_t)~MSG_GONE;
		if (boxlist_append(&one, &m, m.name) == -1) {
			boxlist_free(&one);
			return -1;
		}
	}
	if (one.n != b->n || one.blocks != 1) {
		boxlist_free(&one);
		errno = EIO;
		return -1;
	}
	b->m = one.block[0].m;
	b->names = one.block[0].names;
	b->names_len = one.block[0].names_len;
	b->names_room = one.block[0].names_room;
	b->room = one.block[0].room;
	b->at = 0;
	b->dirty = b->stale = 1;
	free(one.block);
	return 0;
}

int boxrepair(struct box_list *l, struct box_block *b)
{
	struct box_state *s = l->spare == NULL ? calloc(1, sizeof *s) : l->spare;
	struct box all = {.list = (struct box_list *)(void *)s};
	unsigned news;
	int r = -1;

	if (s == NULL)
		return -1;
	if (l->spare == NULL) {
		boxwarn("damaged, made anew", "quoin-index");
		boxlist_init(&s->list);
		if (boxlog_open(&s->log, l->dir) == 0 &&
		    boxlog_read(&s->log, boxapply, &all, &news) == 0)
			l->spare = s;
	}
	if (l->spare != NULL)
		r = fill(l, &s->list, b);
	else
		boxrepair_free(s);
	return r;
}

void boxrepair_free(struct box_state *s)
{
	int e = errno;

	if (s != NULL) {
		boxlist_free(&s->list);
		boxlog_close(&s->log);
		free(s->runs);
	}
	free(s);
	errno = e;
}
