/* What do new/ and cur/ say? A look finds out and changes nothing. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "maildir/box_int.h"

enum { NAMES_MAX = 0x40000000 };

struct place { /* of the table from bases to ordinals */
	uint32_t hash;
	uint32_t at; /* ordinal + 1; 0 empty */
};

struct matcher {
	struct box *b;
	struct box_look *look;
	struct place *table;
	size_t mask;
	int in_new;
	int again; /* new/ is read a second time */
	size_t entries;
};

void boxlook_free(struct box_look *l)
{
	sbuf_free(&l->names);
	free(l->seen);
	free(l->renamed.p);
	free(l->unknown.p);
	free(l->twice.p);
	*l = (struct box_look){.names = SBUF_INIT(NAMES_MAX)};
}

int boxlook_is_seen(const struct box_look *l, size_t i)
{
	return l->seen[i / 8] >> i % 8 & 1;
}

int boxlook_keep(struct box_seens *to, struct box_seen seen)
{
	if (to->n == to->room) {
		size_t room = to->room == 0 ? 64 : to->room * 2;
		struct box_seen *p = reallocarray(to->p, room, sizeof *p);

		if (p == NULL)
			return -1;
		to->p = p;
		to->room = room;
	}
	to->p[to->n++] = seen;
	return 0;
}

static int push(struct matcher *m, struct box_seens *to, size_t at, const char *name,
		const struct msg_name *n)
{
	struct box_look *l = m->look;
	struct box_seen seen = {.at = (uint32_t)at,
				.name = (uint32_t)l->names.len,
				.in_new = m->in_new != 0,
				.base = (uint8_t)n->base,
				.info = (uint8_t)n->info,
				.flags = (uint8_t)n->flags};

	return sbuf_cat(&l->names, name, strlen(name) + 1) == -1 ? -1
								 : boxlook_keep(to, seen);
}

static int is_plain(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ? -1
								  : S_ISREG(st.st_mode);
}

static int begin_table(struct matcher *m, size_t n)
{
	size_t room = 16;

	while (room < n * 2)
		room *= 2;
	free(m->table);
	m->table = calloc(room, sizeof *m->table);
	m->mask = room - 1;
	return m->table == NULL ? -1 : 0;
}

static void add_place(struct matcher *m, uint32_t hash, size_t ordinal)
{
	size_t at = hash & m->mask;

	while (m->table[at].at != 0)
		at = (at + 1) & m->mask;
	m->table[at] = (struct place){hash, (uint32_t)ordinal + 1};
}

static int add_block(struct matcher *m, struct box_list *l, size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++) {
		struct msg *msg = boxlist_at(l, i);

		if (msg == NULL)
			return -1;
		if (!(msg->state & MSG_GONE) &&
		    (m->look->whole || (msg->state & MSG_NEW)))
			add_place(m, msg->hash, i);
	}
	return 0;
}

static int is_asked(const struct matcher *m, struct box_block *k)
{
	return m->look->whole || boxlist_tally(k)->in_new > 0;
}

/* For new/ alone: what is known to lie there, and no other block is looked at. */
static int make_table(struct matcher *m)
{
	struct box_list *l = &box_state(m->b)->list;
	size_t n = 0;

	for (size_t i = 0; i < l->blocks; i++)
		if (is_asked(m, &l->block[i]))
			n += l->block[i].n; /* the index may lie about fewer */
	if (begin_table(m, n) == -1)
		return -1;
	for (size_t i = 0; i < l->blocks; i++) {
		struct box_block *k = &l->block[i];

		if (is_asked(m, k) && add_block(m, l, k->first, k->n) == -1)
			return -1;
	}
	return 0;
}

static int has_hash(const struct matcher *m, uint32_t hash)
{
	for (size_t at = hash & m->mask; m->table[at].at != 0; at = (at + 1) & m->mask)
		if (m->table[at].hash == hash)
			return 1;
	return 0;
}

static int hashes_of(const struct box_list *l, const struct box_block *k,
		     uint32_t out[BLOCK])
{
	if (k->m == NULL)
		return boxindex_hashes(l, k, out);
	for (size_t i = 0; i < k->n; i++)
		out[i] = k->m[i].hash;
	return 0;
}

/* What is not known in new/: could it be known in cur/? Then all must be looked at. */
static int ask_cur(struct matcher *m)
{
	struct box_list *l = &box_state(m->b)->list;
	struct box_look *look = m->look;
	uint32_t hash[BLOCK];

	if (look->unknown.n == 0)
		return 0;
	if (begin_table(m, look->unknown.n) == -1)
		return -1;
	for (size_t i = 0; i < look->unknown.n; i++) {
		const struct box_seen *seen = &look->unknown.p[i];

		add_place(m, boxsum_name(look->names.p + seen->name, seen->base), i);
	}
	for (size_t i = 0; i < l->blocks && !look->unsure; i++) {
		if (hashes_of(l, &l->block[i], hash) == -1)
			look->unsure = 1;
		for (size_t k = 0; k < l->block[i].n; k++)
			look->unsure |= has_hash(m, hash[k]);
	}
	return 0;
}

/* 1 and the ordinal, 0, -1. */
static int find_base(struct matcher *m, const char *name, size_t base, size_t *ordinal)
{
	uint32_t hash = boxsum_name(name, base);

	for (size_t at = hash & m->mask; m->table[at].at != 0; at = (at + 1) & m->mask) {
		struct msg *msg;

		if (m->table[at].hash != hash)
			continue;
		*ordinal = m->table[at].at - 1;
		msg = boxlist_at(&box_state(m->b)->list, *ordinal);
		if (msg == NULL)
			return -1;
		if (strncmp(msg->name, name, base) == 0 &&
		    strchr(",:", msg->name[base]) != NULL)
			return 1;
	}
	return 0;
}

static int see_known(struct matcher *m, size_t at, const char *name,
		     const struct msg_name *n)
{
	struct box_look *l = m->look;
	struct msg *msg = boxlist_at(&box_state(m->b)->list, at);
	int was_new = (msg->state & MSG_NEW) != 0;

	if (boxlook_is_seen(l, at))
		return m->again ? 0 : push(m, &l->twice, at, name, n);
	l->seen[at / 8] |= (uint8_t)(1U << at % 8);
	l->missing--;
	if (was_new == m->in_new && msg->flags == n->flags &&
	    strcmp(msg->name, name) == 0)
		return 0;
	l->flags |= msg->flags != n->flags;
	return push(m, &l->renamed, at, name, n);
}

/* Each look meets them again. */
static void warn_once(struct box_state *s, const char *what, const char *name)
{
	uint32_t hash = boxsum_name(name, strlen(name));

	for (size_t i = 0; i < s->warned_n; i++)
		if (s->warned[i] == hash)
			return;
	if (s->warned_n == WARNINGS)
		return;
	s->warned[s->warned_n++] = hash;
	boxwarn(what, name);
}

static int see(void *arg, const char *name, int is_file)
{
	struct matcher *m = arg;
	struct msg_name n;
	size_t at;
	int known;

	m->entries++;
	if (is_file == -1)
		is_file = is_plain(m->in_new ? m->b->new_ : m->b->cur, name);
	if (is_file == 0 || msg_name_split(&n, name) == -1) {
		warn_once(box_state(m->b),
			  is_file == 0 ? "no plain file" : "no name of a message", name);
		return 0;
	}
	known = find_base(m, name, n.base, &at);
	if (known == 1)
		return see_known(m, at, name, &n);
	if (known == -1 || m->again)
		return known;
	return push(m, &m->look->unknown, 0, name, &n);
}

/* ---- a look ---- */

static int read_dir(struct matcher *m, int in_new, size_t *entries)
{
	m->in_new = in_new;
	m->entries = 0;
	if (boxdir_read(in_new ? m->b->new_ : m->b->cur, see, m) == -1)
		return -1;
	*entries = m->entries;
	return 0;
}

static int read_dirs(struct matcher *m)
{
	struct box_look *l = m->look;

	if (read_dir(m, 1, &l->new_n) == -1)
		return -1;
	if (!l->whole)
		return boxlook_judge(m->b, m->look) == -1 ? -1 : ask_cur(m);
	if (read_dir(m, 0, &l->cur_n) == -1)
		return -1;
	m->again = 1; /* what came from cur/ to new/ while we read */
	if (l->missing > 0 && read_dir(m, 1, &l->new_n) == -1)
		return -1;
	return boxlook_judge(m->b, m->look);
}

static int prepare(struct matcher *m)
{
	struct box_look *l = m->look;
	struct box_list *list = &box_state(m->b)->list;

	if (boxdir_times(m->b->new_, &l->new_t) == -1 ||
	    boxdir_times(m->b->cur, &l->cur_t) == -1)
		return -1;
	l->new_level = boxdir_level(&l->new_t);
	l->cur_level = boxdir_level(&l->cur_t);
	l->n = list->n;
	l->seen = calloc(list->n / 8 + 1, 1);
	for (size_t i = 0; i < list->blocks; i++) {
		const struct box_tally *t = boxlist_tally(&list->block[i]);

		l->missing += l->whole ? list->block[i].n - t->gone : t->in_new;
	}
	return l->seen == NULL ? -1 : make_table(m);
}

static int look_once(struct box *b, struct box_look *l, int whole)
{
	struct matcher m = {.b = b, .look = l};
	int r;

	boxlook_free(l);
	l->whole = whole;
	box_state(b)->list.pinned++;
	r = prepare(&m) == -1 || read_dirs(&m) == -1 ? -1 : 0;
	box_state(b)->list.pinned--;
	free(m.table);
	return r;
}

int boxlook(struct box *b, struct box_look *l, int whole)
{
	if (look_once(b, l, whole) == -1)
		return -1;
	return whole || (l->missing == 0 && !l->unsure) ? 0 : look_once(b, l, 1);
}
