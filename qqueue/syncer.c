#include "syncer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Enough for the sanitizers too; glibc's own default is 8 MB of address space. */
enum { STACK_SIZE = 256 * 1024 };

static void queue_init(struct sync_queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
}

static void queue_put(struct sync_queue *q, struct sync_job *job)
{
	job->next = NULL;
	*q->tail = job;
	q->tail = &job->next;
}

static struct sync_job *queue_get(struct sync_queue *q)
{
	struct sync_job *job = q->head;

	q->head = job->next;
	if (q->head == NULL)
		q->tail = &q->head;
	return job;
}

/* The loop is woken once for all that is done until it looks. */
static void report(struct syncer *s, struct sync_job *job)
{
	static const uint64_t one = 1;
	int first;

	pthread_mutex_lock(&s->lock);
	first = s->done.head == NULL;
	queue_put(&s->done, job);
	pthread_mutex_unlock(&s->lock);
	if (first)
		(void)!write(s->fd, &one, sizeof one);
}

static struct sync_job *wait_for_job(struct syncer *s, int *new_dir)
{
	struct sync_job *job;

	pthread_mutex_lock(&s->lock);
	if (*new_dir == -1)
		*new_dir = s->new_dirs[s->started++];
	while (s->todo.head == NULL)
		pthread_cond_wait(&s->wake, &s->lock);
	job = queue_get(&s->todo);
	pthread_mutex_unlock(&s->lock);
	return job;
}

static void *work(void *arg)
{
	struct syncer *s = arg;
	int new_dir = -1;

	for (;;) {
		struct sync_job *job = wait_for_job(s, &new_dir);

		job->error = job->run(job, new_dir) == -1 ? errno : 0;
		report(s, job);
	}
	return NULL;
}

int syncer_open(struct syncer *s, unsigned workers, const char *new_dir)
{
	*s = (struct syncer){.workers = workers};
	s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->fd == -1)
		return -1;
	for (unsigned i = 0; i < workers; i++) {
		s->new_dirs[i] = open(new_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (s->new_dirs[i] == -1)
			return -1;
	}
	return 0;
}

int syncer_start(struct syncer *s)
{
	pthread_attr_t attr;
	int e;

	queue_init(&s->todo);
	queue_init(&s->done);
	if (pthread_mutex_init(&s->lock, NULL) != 0 ||
	    pthread_cond_init(&s->wake, NULL) != 0 || pthread_attr_init(&attr) != 0)
		return -1;
	e = pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (unsigned i = 0; e == 0 && i < s->workers; i++) {
		pthread_t thread;

		e = pthread_create(&thread, &attr, work, s);
		if (e == 0)
			e = pthread_detach(thread);
	}
	(void)pthread_attr_destroy(&attr);
	errno = e;
	return e == 0 ? 0 : -1;
}

void syncer_give(struct syncer *s, struct sync_job *job)
{
	pthread_mutex_lock(&s->lock);
	queue_put(&s->todo, job);
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

struct sync_job *syncer_take(struct syncer *s)
{
	struct sync_job *list;
	uint64_t count;

	(void)!read(s->fd, &count, sizeof count);
	pthread_mutex_lock(&s->lock);
	list = s->done.head;
	queue_init(&s->done);
	pthread_mutex_unlock(&s->lock);
	return list;
}
