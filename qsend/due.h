/* due: the waiting messages, a heap ordered by the time at which each is due.
 *
 * A waiting message costs one entry of 32 bytes; nothing of it is open or in
 * memory. Among equals the older id comes first.
 * Owner:  due_free(); a cleared struct is an empty heap.
 * Errors: -1 with ENOMEM; the heap is as it was.
 */
#ifndef QSEND_DUE_H
#define QSEND_DUE_H

#include <stddef.h>
#include <stdint.h>

enum {
	ENTRY_NEW = 1,     /* never opened: to be logged */
	ENTRY_RESUMED = 2, /* has a history from before our start */
};

/* Times are seconds of the monotonic clock. */
struct entry {
	uint64_t ns;     /* the id: its time … */
	uint32_t random; /* … and its random bits */
	uint32_t due;    /* next attempt */
	uint32_t seen;   /* when this process first saw it */
	uint32_t first;  /* first attempt that counts (tries > 0) */
	uint8_t tries;   /* attempts since `first`, at most 255 */
	uint8_t flags;
};
_Static_assert(sizeof(struct entry) == 32, "what a waiting message costs");

struct due {
	struct entry *e;
	size_t n;
	size_t cap;
};

__attribute__((warn_unused_result)) int due_push(struct due *d, const struct entry *e);

/* The entry that is due first, or NULL. */
const struct entry *due_top(const struct due *d);

/* Take that one out. d is not empty. */
struct entry due_pop(struct due *d);

/* All of them, or one by its id, are due now: how many. */
size_t due_all(struct due *d, uint32_t now);
size_t due_one(struct due *d, uint64_t ns, uint32_t random, uint32_t now);

/* Take one out by its id: how many (0 or 1). Linear, as the two above. */
size_t due_forget(struct due *d, uint64_t ns, uint32_t random);

void due_free(struct due *d);

#endif
