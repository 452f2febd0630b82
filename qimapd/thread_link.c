#include <string.h>

#include "thread_int.h"

/* ---- message ids ---- */

static int is_id_byte(char c)
{
	return (unsigned char)c > ' ' && c != '<' && c != '>' && c != 0x7f;
}

/* The next "<a@b>" at or behind *at, without its brackets: 1 or 0. */
static int next_id(struct thread_text x, size_t *at, struct thread_text *id)
{
	size_t i = *at;

	while (i < x.n) {
		int has_at = 0;
		size_t start;

		if (x.p[i++] != '<')
			continue;
		for (start = i; i < x.n && is_id_byte(x.p[i]); i++)
			has_at |= x.p[i] == '@';
		if (i < x.n && x.p[i] == '>' && has_at) {
			*id = (struct thread_text){x.p + start, i - start};
			*at = i + 1;
			return 1;
		}
	}
	*at = x.n;
	return 0;
}

static size_t count_ids(struct thread_text x)
{
	struct thread_text id;
	size_t at = 0, n = 0;

	while (next_id(x, &at, &id))
		n++;
	return n;
}

static struct thread_text id_of(struct thread_tree *t, uint32_t i)
{
	return t->node[i].id;
}

/* ---- links ---- */

/* Is child the parent or above it? Who has no children is above nobody. */
static int would_loop(struct thread_tree *t, uint32_t parent, uint32_t child)
{
	if (parent == child)
		return 1;
	if (t->node[child].children == 0)
		return 0;
	while (t->node[parent].parent != NONE) {
		parent = t->node[parent].parent;
		if (parent == child || t->steps == 0)
			return 1;
		t->steps--;
	}
	return 0;
}

static void link_to(struct thread_tree *t, uint32_t parent, uint32_t child)
{
	if (parent == NONE || would_loop(t, parent, child))
		return;
	t->node[child].parent = parent;
	t->node[parent].children++;
}

static void unlink_from(struct thread_tree *t, uint32_t child)
{
	uint32_t parent = t->node[child].parent;

	if (parent != NONE)
		t->node[parent].children--;
	t->node[child].parent = NONE;
}

/* The node of an id, made if there is none. */
static int node_of(struct thread_tree *t, struct thread_text id, uint32_t *i)
{
	uint32_t *place = thread_table_find(t, id, id_of);

	if (*place == NONE) {
		*i = thread_node_new(t);
		if (*i == NONE)
			return -1;
		t->node[*i].id = id;
		*place = *i;
	}
	*i = *place;
	return 0;
}

/* (1)(A): the references of a message are each other's children. *last: the last one. */
static int link_references(struct thread_tree *t, struct thread_text x, size_t skip,
			   size_t most, uint32_t *last)
{
	struct thread_text id;
	size_t at = 0;
	uint32_t i;

	*last = NONE;
	for (size_t k = 0; k < skip + most && next_id(x, &at, &id); k++) {
		if (k < skip)
			continue;
		if (node_of(t, id, &i) == -1)
			return -1;
		if (t->node[i].parent == NONE)
			link_to(t, *last, i);
		*last = i;
	}
	return 0;
}

/* (1)(B): and the last of them is the message's parent, whatever others said. */
static int link_message(struct thread_tree *t, uint32_t i, size_t nrefs)
{
	const struct thread_msg *m = &t->m[i];
	size_t skip = nrefs > THREAD_REFERENCES ? nrefs - THREAD_REFERENCES : 0;
	uint32_t last;

	if ((nrefs > 0 ? link_references(t, m->references, skip, THREAD_REFERENCES, &last)
		       : link_references(t, m->inreplyto, 0, 1, &last)) == -1)
		return -1;
	if (t->node[i].parent == last && last != NONE)
		return 0;
	unlink_from(t, i);
	link_to(t, last, i);
	return 0;
}

/* Who comes first has the id; the others, and those without one, are known to nobody. */
static void enter_ids(struct thread_tree *t)
{
	for (uint32_t i = 0; i < t->nm; i++) {
		size_t at = 0;
		uint32_t *place;

		if (!next_id(t->m[i].id, &at, &t->node[i].id))
			continue;
		place = thread_table_find(t, t->node[i].id, id_of);
		if (*place == NONE)
			*place = i;
	}
}

int thread_link(struct thread_tree *t)
{
	size_t items = t->nm;

	for (size_t i = 0; i < t->nm; i++) {
		size_t n = count_ids(t->m[i].references);

		items += 1 + (n < THREAD_REFERENCES ? n : THREAD_REFERENCES);
	}
	if (thread_table_init(&t->table, items) == -1)
		return -1;
	enter_ids(t);
	for (uint32_t i = 0; i < t->nm; i++)
		if (link_message(t, i, count_ids(t->m[i].references)) == -1)
			return -1;
	return 0;
}

/* ---- (3): those that are only referred to ---- */

/* The nearest message above i, else the topmost dummy, else NONE. What was walked over is
 * shortened, so that all walks together are linear. */
static uint32_t holder(struct thread_tree *t, uint32_t i)
{
	uint32_t top = t->node[i].parent, next;

	if (top == NONE)
		return NONE;
	while (thread_is_dummy(t, top) && t->node[top].parent != NONE)
		top = t->node[top].parent;
	for (; i != top; i = next) {
		next = t->node[i].parent;
		t->node[i].parent = top;
		if (!thread_is_dummy(t, next))
			break;
	}
	return top;
}

int thread_prune(struct thread_tree *t)
{
	for (size_t i = t->nm; i < t->n; i++)
		t->node[i].children = 0;
	for (uint32_t i = 0; i < t->nm; i++) {
		uint32_t up = holder(t, i);

		if (up != NONE && thread_is_dummy(t, up))
			t->node[up].children++;
	}
	for (uint32_t i = 0; i < t->nm; i++) {
		uint32_t up = t->node[i].parent;

		if (up != NONE && thread_is_dummy(t, up) && t->node[up].children == 1)
			t->node[i].parent = NONE; /* an only child takes its place */
	}
	for (size_t i = t->nm; i < t->n; i++)
		t->node[i].gone = t->node[i].children < 2;
	return 0;
}
