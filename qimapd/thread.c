#include "thread.h"

#include "sbuf.h"
#include "thread_int.h"

/* What a root is known by: a dummy's first child speaks for it. */
static const struct thread_msg *said_by(const struct thread_tree *t, uint32_t i)
{
	return &t->m[thread_is_dummy(t, i) ? t->node[i].child : i];
}

static struct thread_text subject_of(struct thread_tree *t, uint32_t i)
{
	return said_by(t, i)->subject;
}

/* (5)(B): dummies first, then those that are no replies, then the oldest. */
static int enter_subjects(struct thread_tree *t)
{
	if (thread_table_init(&t->table, t->nroots) == -1)
		return -1;
	for (size_t k = 0; k < t->nroots; k++) {
		uint32_t i = t->root[k], *place;

		if (subject_of(t, i).n == 0)
			continue;
		place = thread_table_find(t, subject_of(t, i), subject_of);
		if (*place == NONE ||
		    (!thread_is_dummy(t, *place) &&
		     (thread_is_dummy(t, i) ||
		      (said_by(t, *place)->is_reply && !said_by(t, i)->is_reply))))
			*place = i;
	}
	return 0;
}

static void move_children(struct thread_tree *t, uint32_t from, uint32_t to)
{
	for (uint32_t i = t->node[from].child; i != NONE; i = t->node[i].next)
		t->node[i].parent = to;
	t->node[from].gone = 1;
}

/* Two of one kind become children of a new dummy, which stands for their subject. */
static int join(struct thread_tree *t, uint32_t *place, uint32_t i)
{
	uint32_t both = thread_node_new(t);

	if (both == NONE)
		return -1;
	t->node[both].child = *place;
	t->node[*place].parent = t->node[i].parent = both;
	*place = both;
	return 0;
}

/* (5)(C) */
int thread_merge_subjects(struct thread_tree *t)
{
	if (enter_subjects(t) == -1)
		return -1;
	for (size_t k = 0; k < t->nroots; k++) {
		uint32_t i = t->root[k], *place;

		if (t->node[i].parent != NONE || subject_of(t, i).n == 0)
			continue;
		place = thread_table_find(t, subject_of(t, i), subject_of);
		if (*place == NONE || *place == i)
			continue;
		if (thread_is_dummy(t, *place) && thread_is_dummy(t, i))
			move_children(t, i, *place);
		else if (thread_is_dummy(t, *place) ||
			 (said_by(t, i)->is_reply && !said_by(t, *place)->is_reply))
			t->node[i].parent = *place;
		else if (join(t, place, i) == -1)
			return -1;
	}
	return 0;
}

int thread_references(struct sbuf *out, const struct thread_msg *m, size_t n)
{
	struct thread_tree t;
	int r = -1;

	if (thread_tree_init(&t, m, n) == 0 && thread_link(&t) == 0 &&
	    thread_prune(&t) == 0 && thread_arrange(&t) == 0 &&
	    thread_merge_subjects(&t) == 0 && thread_arrange(&t) == 0)
		r = thread_print(out, &t);
	thread_tree_free(&t);
	return r;
}

/* The oldest of a subject is the parent of all others. */
static int group_subjects(struct thread_tree *t)
{
	if (thread_table_init(&t->table, t->nm) == -1)
		return -1;
	for (size_t k = 0; k < t->nm; k++) {
		uint32_t i = t->order[k];
		uint32_t *place = thread_table_find(t, t->m[i].subject, subject_of);

		if (*place == NONE)
			*place = i;
		else
			t->node[i].parent = *place;
	}
	return 0;
}

int thread_orderedsubject(struct sbuf *out, const struct thread_msg *m, size_t n)
{
	struct thread_tree t;
	int r = -1;

	if (thread_tree_init(&t, m, n) == 0 && group_subjects(&t) == 0 &&
	    thread_arrange(&t) == 0)
		r = thread_print(out, &t);
	thread_tree_free(&t);
	return r;
}
