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
	ENTRY_HELD = 4, /* by the keeper: no due time, in no heap of those that are due */
	ENTRY_INSIST = 8,  /* the keeper wants it tried whatever its destination did */
	ENTRY_RESTED = 16, /* passed over since its destination rests */
	ENTRY_NOTED = 32,  /* new, and has a journal: the keeper has had it */
	ENTRY_LOOK =
	    128, /* it has waited for its destination so long that it must be seen to */
	ENTRY_FOUND = 64, /* in cur/ at our start: its age is what the wall clock says */
};

/* Times are seconds of the monotonic clock. */
struct entry {
	uint64_t ns;     /* the id: its time … */
	uint32_t random; /* … and its random bits */
	uint32_t due;    /* next attempt */
	uint32_t seen;   /* when this process first saw it */
	uint32_t first;  /* first attempt that counts (tries > 0) */
	uint32_t dest;   /* hash of its one destination; 0: several, or not known */
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

/* How many of that id are there (0 or 1). Linear. */
size_t due_has(struct due *d, uint64_t ns, uint32_t random);

/* Look at each; change() may alter an entry, or have it taken out. How many it has
 * touched. Linear. */
enum due_change { DUE_KEPT, DUE_CHANGED, DUE_TAKEN };
size_t due_walk(struct due *d, enum due_change (*change)(void *arg, struct entry *e),
		void *arg);

/* Take one out by its id: how many (0 or 1). Linear. */
size_t due_forget(struct due *d, uint64_t ns, uint32_t random);

void due_free(struct due *d);

#endif
