/* syncer: threads that wait for the disk, so that an event loop never does.
 *
 * A piece of work is embedded in what it belongs to. run() is called in one of the
 * threads, and nobody else touches the work's owner meanwhile; then fd becomes readable
 * and syncer_finish() calls done() in the loop. Threads have the signal mask of whoever
 * starts them.
 * Errors: -1 with errno.
 */
#ifndef QUOIN_SYNCER_H
#define QUOIN_SYNCER_H

#include <pthread.h>

struct work {
	int (*run)(struct work *w, unsigned thread); /* 0, or -1 with errno; from 0 up */
	void (*done)(struct work *w);
	int error; /* for done(): 0 or the errno */
	struct work *next;
};

struct work_list {
	struct work *head;
	struct work **tail;
};

struct syncer {
	int fd;           /* for poll() */
	unsigned pending; /* added, and not done */
	unsigned threads; /* at most */
	unsigned made;
	unsigned started; /* have their numbers */
	unsigned idle;
	unsigned waiting; /* in todo */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct work_list todo;
	struct work_list ran;
};

/* The descriptor, while such may still be made. */
__attribute__((warn_unused_result)) int syncer_open(struct syncer *s, unsigned threads);

/* The first thread. More are made, up to the number given, when work would wait; one that
 * cannot be made is done without. */
__attribute__((warn_unused_result)) int syncer_start(struct syncer *s);

void syncer_add(struct syncer *s, struct work *w);

/* done() of all that has run since; it may add its work again. */
void syncer_finish(struct syncer *s);

#endif
