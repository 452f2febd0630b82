#include "syncer.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Enough for the sanitizers too; glibc's own default is 8 MB of address space. */
enum { STACK_SIZE = 256 * 1024 };

static void list_init(struct work_list *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

static void list_put(struct work_list *l, struct work *w)
{
	w->next = NULL;
	*l->tail = w;
	l->tail = &w->next;
}

static struct work *list_get(struct work_list *l)
{
	struct work *w = l->head;

	l->head = w->next;
	if (l->head == NULL)
		l->tail = &l->head;
	return w;
}

/* The loop is woken once for all that has run until it looks. */
static void give_back(struct syncer *s, struct work *w)
{
	static const uint64_t one = 1;
	int first;

	pthread_mutex_lock(&s->lock);
	first = s->ran.head == NULL;
	list_put(&s->ran, w);
	pthread_mutex_unlock(&s->lock);
	while (first && write(s->fd, &one, sizeof one) == -1 && errno == EINTR)
		;
}

static unsigned own_number(struct syncer *s)
{
	unsigned n;

	pthread_mutex_lock(&s->lock);
	n = s->started++;
	pthread_mutex_unlock(&s->lock);
	return n;
}

static struct work *wait_for_work(struct syncer *s)
{
	struct work *w;

	pthread_mutex_lock(&s->lock);
	s->idle++;
	while (s->todo.head == NULL)
		pthread_cond_wait(&s->wake, &s->lock);
	s->idle--;
	w = list_get(&s->todo);
	s->waiting--;
	pthread_mutex_unlock(&s->lock);
	return w;
}

static void *run_thread(void *arg)
{
	struct syncer *s = arg;
	unsigned number = own_number(s);

	for (;;) {
		struct work *w = wait_for_work(s);

		w->error = w->run(w, number) == -1 ? errno : 0;
		give_back(s, w);
	}
	return NULL;
}

int syncer_open(struct syncer *s, unsigned threads)
{
	*s = (struct syncer){.threads = threads};
	s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return s->fd == -1 ? -1 : 0;
}

static int make_thread(struct syncer *s)
{
	pthread_attr_t attr;
	pthread_t thread;
	int e = pthread_attr_init(&attr);

	if (e != 0)
		return e;
	e = pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (e == 0)
		e = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (e == 0)
		e = pthread_create(&thread, &attr, run_thread, s);
	(void)pthread_attr_destroy(&attr);
	s->made += e == 0;
	return e;
}

int syncer_start(struct syncer *s)
{
	int e;

	list_init(&s->todo);
	list_init(&s->ran);
	if ((e = pthread_mutex_init(&s->lock, NULL)) != 0 ||
	    (e = pthread_cond_init(&s->wake, NULL)) != 0 || (e = make_thread(s)) != 0) {
		errno = e;
		return -1;
	}
	return 0;
}

void syncer_add(struct syncer *s, struct work *w)
{
	int all_busy;

	s->pending++;
	pthread_mutex_lock(&s->lock);
	list_put(&s->todo, w);
	all_busy = ++s->waiting > s->idle;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (all_busy && s->made < s->threads)
		(void)make_thread(s);
}

void syncer_finish(struct syncer *s)
{
	struct work *next;
	struct work *w;
	uint64_t count;

	(void)!read(s->fd, &count, sizeof count);
	pthread_mutex_lock(&s->lock);
	w = s->ran.head;
	list_init(&s->ran);
	pthread_mutex_unlock(&s->lock);
	for (; w != NULL; w = next) {
		next = w->next;
		s->pending--;
		w->done(w);
	}
}
