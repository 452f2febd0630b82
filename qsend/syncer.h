/* syncer: threads that do what waits for the disk, so that the event loop does not.
 *
 * A piece of work is embedded in what it belongs to. run() is called in a thread
 * and may touch only its own struct; afterwards the loop gets it back from
 * syncer_take(). Signals stay with the main thread.
 * Errors: -1 with errno.
 */
#ifndef QSEND_SYNCER_H
#define QSEND_SYNCER_H

struct work {
	void (*run)(struct work *w);  /* in a thread */
	void (*done)(struct work *w); /* in the loop */
	struct work *next;
};

/* Start the threads: a descriptor that is readable when work has come back. */
int syncer_start(void);

void syncer_add(struct work *w);

/* What has come back, or NULL. Call until NULL when the descriptor is readable. */
struct work *syncer_take(void);

/* Pieces added and not taken yet. */
unsigned syncer_pending(void);

#endif
