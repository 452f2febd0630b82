/* thread_int: the tree between the files of thread.h.
 *
 * node[0 .. n) are the messages, in their order; behind them stand those that are only
 * referred to, and those that hold a subject together (dummies). Everything is an index;
 * NONE is no node. Children and siblings are made anew from parent by thread_arrange().
 */
#ifndef QIMAPD_THREAD_INT_H
#define QIMAPD_THREAD_INT_H

#include <stddef.h>
#include <stdint.h>

#include "thread.h"

#define NONE UINT32_MAX

struct thread_node {
	uint32_t parent;
	uint32_t child, last, next;
	uint32_t children; /* while links are made */
	uint32_t gone;     /* no part of the result */
	struct thread_text id;
};

/* Texts that are looked up: place[] is a power of two long. */
struct thread_table {
	uint32_t *place;
	size_t mask;
	uint64_t seed[2];
};

struct thread_tree {
	const struct thread_msg *m;
	size_t nm; /* messages */
	struct thread_node *node;
	size_t n, room;
	uint32_t *order; /* messages by date */
	uint32_t *root;  /* by date, after thread_arrange() */
	size_t nroots;
	struct thread_table table;
	uint64_t steps; /* that walks may still take */
};

int thread_tree_init(struct thread_tree *t, const struct thread_msg *m, size_t n);
void thread_tree_free(struct thread_tree *t);
uint32_t thread_node_new(struct thread_tree *t); /* NONE: no memory */

int thread_table_init(struct thread_table *h, size_t items);
void thread_table_free(struct thread_table *h);
/* The place of a text: text_of(t, what is there) is equal, or the place holds NONE. */
uint32_t *thread_table_find(struct thread_tree *t, struct thread_text x,
			    struct thread_text (*text_of)(struct thread_tree *,
							  uint32_t));

/* RFC 5256 3, REFERENCES: (1), (3) and (5). */
int thread_link(struct thread_tree *t);
int thread_prune(struct thread_tree *t);
int thread_merge_subjects(struct thread_tree *t);

/* (2), (4) and (6): children and roots in the order of their dates. */
int thread_arrange(struct thread_tree *t);
int thread_print(struct sbuf *out, const struct thread_tree *t);

static inline int thread_is_dummy(const struct thread_tree *t, uint32_t i)
{
	return i >= t->nm;
}

#endif
