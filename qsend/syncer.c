#include "syncer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* So many syncs side by side; more gain nothing on one disk. */
enum { THREADS = 4, STACK = 128 * 1024 };

struct list {
	struct work *head;
	struct work **end;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wanted = PTHREAD_COND_INITIALIZER;
static struct list todo = {NULL, &todo.head};
static struct list done = {NULL, &done.head};
static unsigned pending;
static int bell = -1;

static void append(struct list *l, struct work *w)
{
	w->next = NULL;
	*l->end = w;
	l->end = &w->next;
}

static struct work *take(struct list *l)
{
	struct work *w = l->head;

	if (w != NULL) {
		l->head = w->next;
		if (l->head == NULL)
			l->end = &l->head;
	}
	return w;
}

static void ring_bell(void)
{
	uint64_t one = 1;

	(void)!write(bell, &one, sizeof one);
}

static void *worker(void *unused)
{
	(void)unused;
	for (;;) {
		struct work *w;

		(void)pthread_mutex_lock(&lock);
		while ((w = take(&todo)) == NULL)
			(void)pthread_cond_wait(&wanted, &lock);
		(void)pthread_mutex_unlock(&lock);
		w->run(w);
		(void)pthread_mutex_lock(&lock);
		append(&done, w);
		(void)pthread_mutex_unlock(&lock);
		ring_bell();
	}
	return NULL;
}

static int start_threads(void)
{
	pthread_attr_t attr;
	sigset_t all;
	sigset_t old;
	int e = pthread_attr_init(&attr);

	if (e != 0)
		return e;
	(void)pthread_attr_setstacksize(&attr, STACK);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &old);
	for (int i = 0; i < THREADS && e == 0; i++) {
		pthread_t t;

		e = pthread_create(&t, &attr, worker, NULL);
	}
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_attr_destroy(&attr);
	return e;
}

int syncer_start(void)
{
	bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (bell == -1)
		return -1;
	errno = start_threads();
	return errno == 0 ? bell : -1;
}

void syncer_add(struct work *w)
{
	pending++;
	(void)pthread_mutex_lock(&lock);
	append(&todo, w);
	(void)pthread_cond_signal(&wanted);
	(void)pthread_mutex_unlock(&lock);
}

struct work *syncer_take(void)
{
	struct work *w;

	(void)pthread_mutex_lock(&lock);
	w = take(&done);
	if (w == NULL) {
		uint64_t count;

		/* Under the lock: a bell rung after this look is not lost. */
		(void)!read(bell, &count, sizeof count);
	}
	(void)pthread_mutex_unlock(&lock);
	if (w != NULL)
		pending--;
	return w;
}

unsigned syncer_pending(void)
{
	return pending;
}
