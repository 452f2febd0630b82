/* What a record says, to the list: the same for ours and for those of others. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/box_int.h"

static int append(struct box *b, const struct box_item *item, const struct box_entry *e)
{
	struct msg m = {.uid = e->uid,
			.flags = e->flags,
			.keywords = e->keywords,
			.modseq = item->what == 'A' ? item->modseq : e->modseq,
			.saved = item->what == 'A' ? item->saved : e->saved,
			.date = INT64_MIN};
	char name[MSG_NAME + 1];

	m.hash = boxsum_name(e->text, msg_name_base(e->text, e->len));
	if (e->in_new)
		m.state = MSG_NEW;
	if (e->in_new || msg_name_add(name, e->text, e->len, m.flags) == -1) {
		memcpy(name, e->text, e->len);
		name[e->len] = '\0';
	}
	return boxlist_append(&box_state(b)->list, &m, name);
}

/* NULL with errno 0: it is gone, or was never there. */
static struct msg *change(struct box *b, uint32_t uid, size_t *at)
{
	struct box_list *l = &box_state(b)->list;
	struct msg *m;

	errno = 0;
	*at = boxlist_find(l, uid);
	if (*at == l->n)
		return NULL;
	m = boxlist_at(l, *at);
	if (m == NULL || m->uid != uid || (m->state & MSG_GONE))
		return NULL;
	m = boxlist_change(l, *at);
	if (m != NULL && *at < b->count)
		m->state |= MSG_CHANGED;
	return m;
}

static int set_flags(struct box *b, const struct box_item *item,
		     const struct box_entry *e)
{
	char name[MSG_NAME + 1];
	size_t at;
	struct msg *m = change(b, e->uid, &at);

	if (m == NULL)
		return errno == 0 ? 0 : -1;
	m->modseq = item->modseq;
	if (m->flags == e->flags)
		return 0;
	m->flags = e->flags;
	if (msg_name_make(name, m->name, m->flags) == -1)
		return 0; /* the next look knows its name */
	m->state &= (uint16_t)~MSG_NEW;
	return boxlist_set_name(&box_state(b)->list, at, name);
}

static int set_keywords(struct box *b, const struct box_item *item,
			const struct box_entry *e)
{
	size_t at;
	struct msg *m = change(b, e->uid, &at);

	if (m == NULL)
		return errno == 0 ? 0 : -1;
	m->modseq = item->modseq;
	m->keywords = e->keywords;
	return 0;
}

static int moved_to_cur(struct box *b, const struct box_item *item,
			const struct box_entry *e)
{
	struct box_list *l = &box_state(b)->list;
	char name[MSG_NAME + 1];
	size_t at = boxlist_find(l, e->uid);
	struct msg *m = at == l->n ? NULL : boxlist_at(l, at);

	(void)item;
	if (m == NULL || m->uid != e->uid || !(m->state & MSG_NEW))
		return 0;
	m = boxlist_change(l, at);
	if (m == NULL)
		return -1;
	m->state &= (uint16_t)~MSG_NEW;
	if (msg_name_make(name, m->name, m->flags) == -1)
		return 0;
	return boxlist_set_name(l, at, name);
}

static int keep_run(struct box_state *s, uint64_t modseq, uint32_t lo, uint32_t hi)
{
	if (s->nruns == s->runs_room) {
		size_t room = s->runs_room == 0 ? 64 : s->runs_room * 2;
		struct box_run *p = reallocarray(s->runs, room, sizeof *p);

		if (p == NULL)
			return -1;
		s->runs = p;
		s->runs_room = room;
	}
	s->runs[s->nruns++] = (struct box_run){modseq, lo, hi};
	return 0;
}

static int expunge(struct box *b, const struct box_item *item, const struct box_entry *e)
{
	struct box_state *s = box_state(b);
	size_t i = boxlist_find(&s->list, e->uid);

	for (; i < s->list.n; i++) {
		struct msg *m = boxlist_at(&s->list, i);

		if (m == NULL)
			return -1;
		if (m->uid > e->hi)
			break;
		if (m->state & MSG_GONE)
			continue;
		m = boxlist_change(&s->list, i);
		if (m == NULL)
			return -1;
		m->state |= MSG_GONE;
		m->modseq = item->modseq;
		b->gone += i < b->count;
	}
	return keep_run(s, item->modseq, e->uid, e->hi);
}

static int nothing(struct box *b, const struct box_item *item, const struct box_entry *e)
{
	(void)b;
	(void)item;
	(void)e;
	return 0;
}

static int times(struct box *b, const struct box_item *item, const struct box_entry *e)
{
	(void)item;
	boxtimes_take(b, e);
	return 0;
}

static const struct {
	char what;
	int durable; /* must be synced before anybody hears of it */
	int (*take)(struct box *b, const struct box_item *item,
		    const struct box_entry *e);
} table[] = {
    {'A', 1, append},       {'M', 0, append},       {'F', 0, set_flags},
    {'K', 1, set_keywords}, {'N', 0, moved_to_cur}, {'X', 1, expunge},
    {'W', 1, nothing},      {'T', 0, times},
};

int boxapply(void *box, struct box_item item)
{
	struct box *b = box;
	struct box_item all = item;
	struct box_entry e;
	size_t i = 0;

	while (i < sizeof table / sizeof *table && table[i].what != item.what)
		i++;
	if (i == sizeof table / sizeof *table)
		return 0;
	if (table[i].durable)
		box_state(b)->unsynced = 1;
	while (boxitem_next(&all, &e) == 1)
		if (table[i].take(b, &item, &e) == -1) {
			box_state(b)->broken = 1;
			return -1;
		}
	return 0;
}
