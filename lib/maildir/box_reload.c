/* The log is another file than the one that we know, and does not follow from it; or a
 * record could not be taken into the list for lack of memory. What the file says in the
 * end is compared with the list. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maildir/box_int.h"

static int read_fresh(struct box *fresh, const struct box *b)
{
	struct box_state *s = box_state(fresh);
	unsigned news;

	if (boxlog_open(&s->log, b->dir) == -1 ||
	    boxlog_read(&s->log, boxapply, fresh, &news) == -1)
		return -1;
	if (boxlog_is_short(&s->log)) {
		errno = EBADMSG;
		return -1;
	}
	boxlist_drop_gone(&s->list, 0);
	if (b->uidvalidity == 0 || s->log.uidvalidity == b->uidvalidity)
		return 0;
	errno = ESTALE;
	return -1;
}

static int mark_gone(struct box *b, size_t i)
{
	struct msg *m = boxlist_at(&box_state(b)->list, i);

	if (m == NULL)
		return -1;
	if (m->state & MSG_GONE)
		return 0;
	m = boxlist_change(&box_state(b)->list, i);
	if (m == NULL)
		return -1;
	m->state |= MSG_GONE;
	b->gone += i < b->count;
	return 0;
}

static int mark_changed(struct box *b, size_t i, const struct msg *now)
{
	struct msg *m = boxlist_at(&box_state(b)->list, i);
	char name[MSG_NAME + 1];

	if (m == NULL)
		return -1;
	if ((m->state & MSG_GONE) ||
	    (m->modseq == now->modseq && m->flags == now->flags &&
	     m->keywords == now->keywords))
		return 0;
	m = boxlist_change(&box_state(b)->list, i);
	if (m == NULL)
		return -1;
	m->flags = now->flags;
	m->keywords = now->keywords;
	m->modseq = now->modseq;
	if (i < b->count)
		m->state |= MSG_CHANGED;
	if ((m->state & MSG_NEW) || msg_name_make(name, m->name, m->flags) == -1)
		return 0;
	return boxlist_set_name(&box_state(b)->list, i, name);
}

static int compare(struct box *b, struct box_list *now)
{
	struct box_list *l = &box_state(b)->list;
	size_t n = l->n;
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		struct msg *m = boxlist_at(l, i);
		struct msg *other = NULL;

		if (m == NULL)
			return -1;
		for (; k < now->n; k++) {
			if ((other = boxlist_at(now, k)) == NULL)
				return -1;
			if (other->uid >= m->uid)
				break;
		}
		if (k == now->n || other == NULL || other->uid != m->uid) {
			if (mark_gone(b, i) == -1)
				return -1;
		} else if (mark_changed(b, i, other) == -1) {
			return -1;
		}
	}
	for (; k < now->n; k++) {
		struct msg *m = boxlist_at(now, k);

		if (m == NULL)
			return -1;
		if ((n == 0 || m->uid > l->block[l->blocks - 1].last_uid) &&
		    !(m->state & MSG_GONE) && boxlist_append(l, m, m->name) == -1)
			return -1;
	}
	return 0;
}

int boxreload(struct box *b)
{
	struct box_state *old = box_state(b);
	struct box_state *s = calloc(1, sizeof *s);
	struct box fresh = {.list = (struct box_list *)(void *)s};
	int r;

	if (s == NULL)
		return -1;
	boxlist_init(&s->list);
	r = read_fresh(&fresh, b) == -1 || compare(b, &s->list) == -1 ? -1 : 0;
	if (r == 0) {
		s->log.lock = old->log.lock;
		s->log.held = old->log.held;
		old->log.lock = -1;
		boxlog_close(&old->log);
		old->log = s->log;
		free(old->runs);
		old->runs = s->runs;
		old->nruns = s->nruns;
		old->runs_room = s->runs_room;
		old->unsynced = 1;
		old->broken = 0;
		old->index_runs = 0;
		boxtimes_unsure(b);
	} else {
		int e = errno;

		boxlog_close(&s->log);
		free(s->runs);
		errno = e;
	}
	boxlist_free(&s->list);
	free(s);
	return r;
}
