/* What a look found is written down: flags that others changed, messages that are gone,
 * messages that came. Under the lock. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "maildir/box_int.h"

struct commit {
	struct box *b;
	struct box_look *l;
	struct box_batch t;
	size_t first; /* ordinal of the first that comes */
};

/* ---- what is known ---- */

static int put_flags(struct commit *c)
{
	for (size_t i = 0; i < c->l->renamed.n; i++) {
		struct box_seen *seen = &c->l->renamed.p[i];
		struct msg *m = boxlist_at(&box_state(c->b)->list, seen->at);
		struct box_entry e;

		if (m == NULL)
			return -1;
		if ((m->state & MSG_GONE) || seen->flags == m->flags)
			continue;
		e = (struct box_entry){
		    .uid = m->uid, .flags = seen->flags, .in_new = seen->in_new};
		if (boxbatch_put(&c->t, 'F', 0, &e) == -1)
			return -1;
	}
	return 0;
}

/* Two looks at all of it have missed them. Runs, where no other uid lies between. */
static int put_gone(struct commit *c, const struct box_look *earlier)
{
	struct box_entry run = {0};

	if (c->l->missing == 0 || earlier == NULL)
		return 0;
	for (size_t i = 0; i < c->l->n; i++) {
		struct msg *m;

		if (boxlook_is_seen(c->l, i))
			continue;
		m = boxlist_at(&box_state(c->b)->list, i);
		if (m == NULL)
			return -1;
		if ((m->state & MSG_GONE) || boxlook_is_seen(earlier, i))
			continue;
		if (run.hi != 0 && m->uid != run.hi + 1) {
			if (boxbatch_put(&c->t, 'X', 0, &run) == -1)
				return -1;
			run.hi = 0;
		}
		if (run.hi == 0)
			run.uid = m->uid;
		run.hi = m->uid;
	}
	return run.hi == 0 ? 0 : boxbatch_put(&c->t, 'X', 0, &run);
}

/* ---- what comes ---- */

static const char *name_of(const struct commit *c, const struct box_seen *s)
{
	return c->l->names.p + s->name;
}

static int is_same_base(const struct commit *c, const struct box_seen *a,
			const struct box_seen *b)
{
	return a->base == b->base && memcmp(name_of(c, a), name_of(c, b), a->base) == 0;
}

/* The file gets a name that nobody has; in the look as well. */
static int rename_file(struct commit *c, struct box_seen *s, int to_cur, const char *to)
{
	int from = s->in_new ? c->b->new_ : c->b->cur;
	struct msg_name n;

	if (msg_name_split(&n, to) == -1 ||
	    boxdir_move(from, name_of(c, s), to_cur ? c->b->cur : c->b->new_, to) == -1)
		return -1;
	*s = (struct box_seen){.at = s->at,
			       .name = (uint32_t)c->l->names.len,
			       .in_new = !to_cur,
			       .base = (uint8_t)n.base,
			       .info = (uint8_t)n.info,
			       .flags = (uint8_t)n.flags};
	return sbuf_cat(&c->l->names, to, strlen(to) + 1);
}

static int make_unique(struct commit *c, struct box_seen *s)
{
	char to[MSG_NAME + 1];

	boxwarn("two files of one name: one is renamed", name_of(c, s));
	return boxdir_fresh(to, name_of(c, s), s->flags) == -1 ||
		       rename_file(c, s, 1, to) == -1
		   ? -1
		   : 0;
}

/* What lies in new/ comes to cur/, and is ours then. -1: it is not there. */
static int claim_file(struct commit *c, struct box_seen *s)
{
	char to[MSG_NAME + 1];

	if (!s->in_new || !(c->b->flags & BOX_CLAIM) ||
	    msg_name_make(to, name_of(c, s), s->flags) == -1)
		return 0;
	if (rename_file(c, s, 1, to) == 0 || (errno == EEXIST && make_unique(c, s) == 0))
		s->at = 1;
	return s->at || errno != ENOENT ? 0 : -1;
}

/* Bases that are there twice get another; what is in new/ is claimed. What cannot be
 * had is left out. */
static void prepare_unknown(struct commit *c)
{
	struct box_seens *u = &c->l->unknown;
	size_t held = 0; /* the last that kept its base */
	size_t to = 0;

	for (size_t i = 0; i < u->n; i++) {
		struct box_seen s = u->p[i];
		enum box_twice twice = to > 0 && is_same_base(c, &u->p[held], &s)
					   ? boxtwice(c->b, c->l, &u->p[held], &s)
					   : BOX_ALONE;

		if (twice == BOX_FIRST ||
		    (twice == BOX_BOTH && make_unique(c, &s) == -1) ||
		    claim_file(c, &s) == -1)
			continue;
		if (twice == BOX_SECOND) {
			u->p[held] = s;
			continue;
		}
		if (twice == BOX_ALONE)
			held = to;
		u->p[to++] = s;
	}
	u->n = to;
}

static int take_twice(struct commit *c)
{
	struct box_seens *twice = &c->l->twice;

	for (size_t i = 0; i < twice->n; i++) {
		struct box_seen s = twice->p[i];

		s.at = 0;
		if (make_unique(c, &s) == 0 && boxlook_keep(&c->l->unknown, s) == -1)
			return -1;
	}
	return 0;
}

static int put_unknown(struct commit *c)
{
	int64_t now = (int64_t)time(NULL);
	uint32_t uid = box_state(c->b)->log.uidnext;

	for (size_t i = 0; i < c->l->unknown.n; i++) {
		struct box_seen *s = &c->l->unknown.p[i];
		struct box_entry e;

		if (uid == UINT32_MAX) {
			errno = EOVERFLOW;
			return -1;
		}
		e = (struct box_entry){.uid = uid,
				       .flags = s->flags,
				       .in_new = s->in_new,
				       .text = name_of(c, s),
				       .len = s->info};
		if (boxbatch_put(&c->t, 'A', now, &e) == -1)
			return -1;
		uid++;
	}
	return 0;
}

/* ---- what lies in new/ and has its uid already ---- */

static int claim_known(struct commit *c, size_t i, struct msg *m)
{
	struct box_entry e = {.uid = m->uid};
	char to[MSG_NAME + 1];

	if (msg_name_make(to, m->name, m->flags) == -1 ||
	    boxdir_move(c->b->new_, m->name, c->b->cur, to) == -1) {
		box_state(c->b)->new_.level = DIR_NONE;
		return 0;
	}
	m = boxlist_change(&box_state(c->b)->list, i);
	if (m == NULL)
		return -1;
	m->state = (uint16_t)((m->state & ~MSG_NEW) | MSG_RECENT);
	c->b->recent++;
	if (boxlist_set_name(&box_state(c->b)->list, i, to) == -1)
		return -1;
	return boxbatch_put(&c->t, 'N', 0, &e);
}

static int put_claims(struct commit *c)
{
	struct box_list *list = &box_state(c->b)->list;

	for (size_t k = 0; k < list->blocks && (c->b->flags & BOX_CLAIM); k++) {
		if (boxlist_tally(&list->block[k])->in_new == 0)
			continue;
		for (size_t i = 0; i < list->block[k].n; i++) {
			struct msg *m = boxlist_at(list, list->block[k].first + i);

			if (m == NULL)
				return -1;
			if ((m->state & (MSG_NEW | MSG_GONE)) == MSG_NEW &&
			    claim_known(c, list->block[k].first + i, m) == -1)
				return -1;
		}
	}
	return 0;
}

/* ---- afterwards the list says what the directories say ---- */

int boxcommit_names(struct box *b, const struct box_look *l)
{
	struct box_list *list = &box_state(b)->list;

	for (size_t i = 0; i < l->renamed.n; i++) {
		const struct box_seen *s = &l->renamed.p[i];
		struct msg *m = boxlist_change(list, s->at);

		if (m == NULL)
			return -1;
		m->state = (uint16_t)((m->state & ~MSG_NEW) | (s->in_new ? MSG_NEW : 0));
		if (boxlist_set_name(list, s->at, l->names.p + s->name) == -1)
			return -1;
	}
	return 0;
}

static int name_new_ones(struct commit *c)
{
	struct box_list *list = &box_state(c->b)->list;

	for (size_t i = 0; i < c->l->unknown.n; i++) {
		const struct box_seen *s = &c->l->unknown.p[i];
		struct msg *m = boxlist_at(list, c->first + i);

		if (m == NULL)
			return -1;
		if (s->at) {
			m->state |= MSG_RECENT;
			c->b->recent++;
		}
		if (strcmp(m->name + s->info, name_of(c, s) + s->info) != 0 &&
		    boxlist_set_name(list, c->first + i, name_of(c, s)) == -1)
			return -1;
	}
	return 0;
}

void boxcommit_times(struct box *b, const struct box_look *l)
{
	struct box_state *s = box_state(b);

	s->new_ = (struct box_watched){l->new_t, l->new_level, l->new_n};
	if (l->whole)
		s->cur = (struct box_watched){l->cur_t, l->cur_level, l->cur_n};
}

static int write_down(struct commit *c, const struct box_look *earlier)
{
	struct box_changes own;
	int r;

	boxcommit_times(c->b, c->l);
	boxtimes_begin(&own, c->b->new_, c->b->cur);
	r = take_twice(c);
	if (r == 0)
		r = boxorder(c->l);
	if (r == 0) {
		prepare_unknown(c);
		r = put_flags(c) == -1 || put_gone(c, earlier) == -1 ||
			    put_claims(c) == -1 || put_unknown(c) == -1 ||
			    boxtimes_put(&c->t, &own) == -1
			? -1
			: 0;
	}
	if (r == -1) {
		boxbatch_abort(&c->t);
		boxtimes_unsure(c->b);
		return -1;
	}
	return boxbatch_end(&c->t);
}

int boxcommit(struct box *b, struct box_look *l, const struct box_look *earlier)
{
	struct commit c = {.b = b, .l = l};
	struct box_state *s = box_state(b);
	int r = -1;

	s->list.pinned++;
	c.first = s->list.n;
	if (boxbatch_begin(&c.t, &s->log, 1, boxapply, b) == 0)
		r = write_down(&c, earlier) == -1 || boxcommit_names(b, l) == -1 ||
			    name_new_ones(&c) == -1
			? -1
			: 0;
	if (r == -1)
		boxtimes_unsure(b);
	s->list.pinned--;
	return r;
}
