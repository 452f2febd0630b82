/* The index that was just written becomes the session's: what is in memory may go. What only
 * this session knows of a message (MSG_RECENT, MSG_CHANGED) is carried over. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maildir/box_index.h"

enum { CARRY = 1024 }; /* messages; with more all stays in memory */

struct carried {
	uint32_t at[CARRY];
	uint16_t state[CARRY];
	size_t n;
};

static int collect(const struct box_block *b, struct carried *c)
{
	for (size_t i = 0; b->m != NULL && i < b->n; i++) {
		unsigned own = b->m[i].state & (MSG_RECENT | MSG_CHANGED);

		if (own == 0)
			continue;
		if (c->n == CARRY)
			return -1;
		c->at[c->n] = b->first + (uint32_t)i;
		c->state[c->n++] = (uint16_t)own;
	}
	return 0;
}

static int collect_all(const struct box_list *l, struct carried *c)
{
	for (size_t i = 0; i < l->blocks; i++)
		if (collect(&l->block[i], c) == -1)
			return -1;
	return 0;
}

/* Those in memory already stay correct if this fails: nothing has been changed. */
static int exchange(struct box *b, int fd, const struct index_head *h, const char *table)
{
	struct box_list *l = &box_state(b)->list;
	struct box_list fresh = *l;

	fresh.block = NULL;
	fresh.blocks = fresh.room = fresh.n = fresh.last = fresh.loaded = fresh.hand = 0;
	if (boxindex_table(&fresh, table, h) == -1 || fresh.n != l->n) {
		free(fresh.block);
		return -1;
	}
	boxlist_free(l);
	if (l->fd != -1)
		(void)close(l->fd);
	*l = fresh;
	l->fd = fd;
	boxindex_sections(b, h);
	return 0;
}

void boxadopt(struct box *b, int fd, const struct index_head *h, const char *table)
{
	struct box_list *l = &box_state(b)->list;
	struct carried *c = calloc(1, sizeof *c);
	int own = dup(fd);

	if (c == NULL || own == -1 || h->messages != l->n || collect_all(l, c) == -1 ||
	    exchange(b, own, h, table) == -1) {
		if (own != -1)
			(void)close(own);
		free(c);
		return;
	}
	for (size_t i = 0; i < c->n; i++) {
		struct msg *m = boxlist_change(l, c->at[i]);

		if (m != NULL)
			m->state |= c->state[i];
	}
	l->learned = 0;
	free(c);
}
