/* syncer: threads that wait for the disk, so that the event loop never does.
 *
 * syncer_give() hands over a job, its run() is called in one of the threads, and
 * syncer_take() gives it back in the loop once it has run, after syncer->fd became
 * readable. Nobody else touches the job meanwhile. Each thread has a descriptor of
 * queue/new of its own (why: draft.h).
 */
#ifndef QQUEUE_SYNCER_H
#define QQUEUE_SYNCER_H

#include <pthread.h>

enum { SYNCER_WORKERS = 16, SYNCER_WORKERS_MAX = 32 };

struct sync_job {
	int (*run)(struct sync_job *job, int new_dir); /* 0, or -1 with errno */
	void (*done)(struct sync_job *job);            /* called by the loop's owner */
	int error;                                     /* 0 or the errno */
	struct sync_job *next;
};

struct sync_queue {
	struct sync_job *head;
	struct sync_job **tail;
};

struct syncer {
	int fd; /* eventfd */
	int new_dirs[SYNCER_WORKERS_MAX];
	unsigned workers;
	unsigned started;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct sync_queue todo;
	struct sync_queue done;
};

/* Descriptors only, while files may still be opened. */
__attribute__((warn_unused_result)) int syncer_open(struct syncer *s, unsigned workers,
						    const char *new_dir);
/* The threads. */
__attribute__((warn_unused_result)) int syncer_start(struct syncer *s);

void syncer_give(struct syncer *s, struct sync_job *job);

/* All jobs that have run since: a list by next. */
struct sync_job *syncer_take(struct syncer *s);

#endif
