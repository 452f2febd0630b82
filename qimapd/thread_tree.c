#include <stdlib.h>
#include <string.h>

#include "rnd.h"
#include "sbuf.h"
#include "sortkey.h"
#include "thread_int.h"

enum { LEAST = 64 };

/* ---- nodes ---- */

uint32_t thread_node_new(struct thread_tree *t)
{
	if (t->n == t->room) {
		size_t room = t->room < LEAST ? LEAST : t->room + t->room / 2;
		struct thread_node *more =
		    room < NONE ? reallocarray(t->node, room, sizeof *more) : NULL;

		if (more == NULL)
			return NONE;
		t->node = more;
		t->room = room;
	}
	memset(&t->node[t->n], 0, sizeof *t->node);
	t->node[t->n].parent = NONE;
	return (uint32_t)t->n++;
}

static int sort_by_date(struct thread_tree *t)
{
	int64_t *sent = calloc(t->nm + 1, sizeof *sent);
	struct sort_column c = {.number = sent};
	int r = -1;

	t->order = calloc(t->nm + 1, sizeof *t->order);
	if (sent != NULL && t->order != NULL) {
		for (size_t i = 0; i < t->nm; i++) {
			sent[i] = t->m[i].sent;
			t->order[i] = (uint32_t)i;
		}
		r = sortkey_order(t->order, t->nm, &c, 1);
	}
	free(sent);
	return r;
}

int thread_tree_init(struct thread_tree *t, const struct thread_msg *m, size_t n)
{
	memset(t, 0, sizeof *t);
	t->m = m;
	t->nm = n;
	t->steps = (uint64_t)n * THREAD_STEPS;
	for (size_t i = 0; i < n; i++)
		if (thread_node_new(t) == NONE)
			return -1;
	return sort_by_date(t);
}

void thread_tree_free(struct thread_tree *t)
{
	free(t->node);
	free(t->order);
	free(t->root);
	thread_table_free(&t->table);
}

/* ---- the table ---- */

int thread_table_init(struct thread_table *h, size_t items)
{
	size_t places = LEAST;

	thread_table_free(h);
	while (places < 2 * items)
		places *= 2;
	h->place = malloc(places * sizeof *h->place);
	if (h->place == NULL)
		return -1;
	memset(h->place, 0xff, places * sizeof *h->place);
	h->mask = places - 1;
	rnd_bytes(h->seed, sizeof h->seed);
	h->seed[1] |= 1;
	return 0;
}

void thread_table_free(struct thread_table *h)
{
	free(h->place);
	h->place = NULL;
}

static uint64_t hash(const struct thread_table *h, struct thread_text x)
{
	uint64_t sum = h->seed[0] ^ x.n, word;

	for (size_t i = 0; i < x.n; i += sizeof word) {
		size_t n = x.n - i < sizeof word ? x.n - i : sizeof word;

		word = 0;
		memcpy(&word, x.p + i, n);
		sum = (sum ^ word) * h->seed[1];
		sum ^= sum >> 32;
	}
	sum *= h->seed[1];
	return sum ^ sum >> 29;
}

uint32_t *thread_table_find(struct thread_tree *t, struct thread_text x,
			    struct thread_text (*text_of)(struct thread_tree *, uint32_t))
{
	size_t at = hash(&t->table, x) & t->table.mask;

	for (;; at = (at + 1) & t->table.mask) {
		uint32_t *place = &t->table.place[at];
		struct thread_text there;

		if (*place == NONE)
			return place;
		there = text_of(t, *place);
		if (there.n == x.n && memcmp(there.p, x.p, x.n) == 0)
			return place;
	}
}

/* ---- order ---- */

static void append_child(struct thread_tree *t, uint32_t i)
{
	struct thread_node *up = &t->node[t->node[i].parent];

	if (up->child == NONE)
		up->child = i;
	else
		t->node[up->last].next = i;
	up->last = i;
}

/* A dummy counts as its first child (RFC 5256 3): it stands where that one would. */
static int arrange_roots(struct thread_tree *t)
{
	size_t messages = 0, n = 0;
	uint32_t *at = malloc((t->n + 1) * sizeof *at);

	free(t->root);
	t->root = malloc((t->n + 1) * sizeof *t->root);
	if (at == NULL || t->root == NULL) {
		free(at);
		return -1;
	}
	memset(at, 0xff, t->n * sizeof *at);
	for (size_t i = t->nm; i < t->n; i++)
		if (!t->node[i].gone && t->node[i].child != NONE)
			at[t->node[i].child] = (uint32_t)i;
	for (; messages < t->nm; messages++) {
		uint32_t i = t->order[messages];

		if (at[i] != NONE)
			t->root[n++] = at[i];
		else if (t->node[i].parent == NONE)
			t->root[n++] = i;
	}
	t->nroots = n;
	free(at);
	return 0;
}

int thread_arrange(struct thread_tree *t)
{
	for (size_t i = 0; i < t->n; i++)
		t->node[i].child = t->node[i].last = t->node[i].next = NONE;
	for (size_t i = 0; i < t->nm; i++)
		if (t->node[t->order[i]].parent != NONE)
			append_child(t, t->order[i]);
	return arrange_roots(t);
}

/* ---- text ---- */

static int has_siblings(const struct thread_tree *t, uint32_t i)
{
	const struct thread_node *up = &t->node[t->node[i].parent];

	return up->child != up->last;
}

/* Down to i: "(" where a branch begins. */
static int print_down(struct sbuf *out, const struct thread_tree *t, uint32_t i)
{
	int is_root = t->node[i].parent == NONE;
	uint32_t up = t->node[i].parent;

	if (is_root || has_siblings(t, i)) {
		/* behind a number, before the first branch */
		if (!is_root && t->node[up].child == i && !thread_is_dummy(t, up) &&
		    sbuf_catc(out, ' ') == -1)
			return -1;
		if (sbuf_catc(out, '(') == -1)
			return -1;
	} else if (sbuf_catc(out, ' ') == -1) {
		return -1;
	}
	return thread_is_dummy(t, i) ? 0 : sbuf_catu(out, t->m[i].number);
}

/* Up from i, where nothing is below: ")" where a branch ends. The next node, or NONE. */
static int print_up(struct sbuf *out, const struct thread_tree *t, uint32_t *i)
{
	while (*i != NONE) {
		uint32_t next = t->node[*i].next;
		int closes = t->node[*i].parent == NONE || has_siblings(t, *i);

		if (closes && sbuf_catc(out, ')') == -1)
			return -1;
		if (t->node[*i].parent != NONE && next != NONE) {
			*i = next;
			return 0;
		}
		*i = t->node[*i].parent;
	}
	return 0;
}

static int print_root(struct sbuf *out, const struct thread_tree *t, uint32_t root)
{
	uint32_t i = root;

	while (i != NONE) {
		if (print_down(out, t, i) == -1)
			return -1;
		if (t->node[i].child != NONE)
			i = t->node[i].child;
		else if (print_up(out, t, &i) == -1)
			return -1;
	}
	return 0;
}

int thread_print(struct sbuf *out, const struct thread_tree *t)
{
	size_t start = out->len;

	for (size_t i = 0; i < t->nroots; i++)
		if (print_root(out, t, t->root[i]) == -1) {
			out->len = start;
			return -1;
		}
	return 0;
}
