/* A list of the queue for one client, in a process forked for it: it has the
 * heaps as they were at that moment, reads the queue files itself, and takes all
 * the time that the client needs, while qsend goes on. It never writes to the queue
 * and gives up all that makes it a scheduler. */
#include "sched.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"
#include "keeper.h"
#include "num.h"
#include "sbuf.h"
#include "usock.h"

enum { SECONDS = 600 };

struct lister {
	struct sched *q;
	int fd;
	int all;
	uint32_t uid;
	int64_t deadline;
	struct sbuf frame;
};

/* What the journal says of one recipient. */
struct history {
	char state;
	char *text;
};

struct replay {
	struct history *h;
	size_t n;
	uint32_t attempts;
	uint8_t held;
	char later[LIMIT_TEXT + 1]; /* text of the last Z */
};

static void send_frame(struct lister *l, const struct keeper_frame *f)
{
	if (keeper_put(&l->frame, f) == -1)
		_exit(1);
	while (usock_send(l->fd, l->frame.p, l->frame.len, -1) == -1)
		if ((errno != EAGAIN && errno != EWOULDBLOCK) ||
		    fd_wait(l->fd, POLLOUT, l->deadline) == -1)
			_exit(1);
}

static void replay(void *arg, const struct journal_record *r)
{
	struct replay *p = arg;
	const char *text = r->text;

	if (r->what == 'A')
		p->attempts++;
	if (r->what == 'H')
		p->held = r->held;
	if (!journal_of_rcpt(r) || r->index >= p->n)
		return;
	if (r->what == 'Z' && *text != '\0')
		(void)snprintf(p->later, sizeof p->later, "%s", text);
	else if (r->what == 'Z')
		text = p->later;
	free(p->h[r->index].text);
	p->h[r->index].text = strdup(text);
	p->h[r->index].state = journal_is_good(r->what) ? 'K' : r->what;
}

/* ---- one message ---- */

static void read_history(const struct lister *l, const struct msg *m, struct replay *p)
{
	uint64_t len;
	uint64_t size;
	int fd =
	    openat(l->q->state, m->id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return;
	(void)journal_read(fd, m->id, replay, p, &len, &size);
	(void)close(fd);
}

static void send_recipients(struct lister *l, const struct msg *m, const struct replay *p)
{
	for (uint32_t i = 0; i < m->env.nrcpts; i++) {
		const struct history *h = &p->h[i];
		struct keeper_frame f = {.what = 'R',
					 .state = h->state ? h->state : 'T',
					 .channel = m->rcpts[i].channel,
					 .address = msg_rcpt(m, i),
					 .text = h->text ? h->text : ""};

		send_frame(l, &f);
	}
}

static void send_message(struct lister *l, const struct msg *m, uint64_t next)
{
	struct replay p = {.n = m->env.nrcpts};
	struct keeper_frame f = {.what = 'M',
				 .id = m->id,
				 .birth = m->birth,
				 .size = m->head.msg_len,
				 .next = next,
				 .recipients = (uint32_t)m->env.nrcpts,
				 .sender = m->env.sender};
	uint64_t uid = 0;

	(void)num_parse(m->env.uid, UINT32_MAX, &uid);
	f.uid = (uint32_t)uid;
	if (!l->all && f.uid != l->uid)
		return;
	p.h = calloc(p.n, sizeof *p.h);
	if (p.h == NULL)
		_exit(1);
	read_history(l, m, &p);
	f.attempts = p.attempts;
	f.held = p.held;
	if (f.held)
		f.next = 0;
	send_frame(l, &f);
	send_recipients(l, m, &p);
	for (size_t i = 0; i < p.n; i++)
		free(p.h[i].text);
	free(p.h);
}

/* ---- all of them, each once, by id ---- */

struct copy {
	struct entry *to; /* NULL: only count */
	size_t n;
};

static void copy_heap(void *arg, struct due *d)
{
	struct copy *c = arg;

	if (c->to != NULL && d->n > 0)
		memcpy(c->to + c->n, d->e, d->n * sizeof *c->to);
	c->n += d->n;
}

static void copy_loaded(struct copy *c, const struct sched *q)
{
	for (int b = 0; b < BUCKETS; b++)
		for (const struct msg *m = q->buckets[b]; m != NULL; m = m->next) {
			c->to[c->n] = m->key;
			c->to[c->n++].due = 0;
		}
}

static struct entry *copy_all(struct sched *q, size_t *n)
{
	struct copy c = {NULL, q->loaded};

	heaps_each(q, copy_heap, &c);
	c.to = reallocarray(NULL, c.n + 1, sizeof *c.to);
	if (c.to == NULL)
		_exit(1);
	c.n = 0;
	copy_loaded(&c, q);
	heaps_each(q, copy_heap, &c);
	*n = c.n;
	return c.to;
}

static int by_id_and_due(const void *a, const void *b)
{
	const struct entry *x = a;
	const struct entry *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	if (x->random != y->random)
		return x->random < y->random ? -1 : 1;
	return (x->due > y->due) - (x->due < y->due);
}

static void send_all(struct lister *l)
{
	const struct sched *q = l->q;
	size_t n;
	struct entry *e = copy_all(l->q, &n);

	qsort(e, n, sizeof *e, by_id_and_due);
	for (size_t i = 0; i < n; i++) {
		struct msg *m;
		uint64_t next = 0;

		if (i > 0 && e[i].ns == e[i - 1].ns && e[i].random == e[i - 1].random)
			continue;
		m = msg_open(q, &e[i]);
		if (m == NULL) /* it has just ended, or qsend will say what is wrong */
			continue;
		if (e[i].due > 0 && !(e[i].flags & ENTRY_HELD))
			next = q->now.wall +
			       (e[i].due > q->now.mono ? e[i].due - q->now.mono : 0);
		send_message(l, m, next);
		msg_close(m);
	}
	free(e);
}

/* The locks live as long as a descriptor of theirs: none is kept here. */
static void keep_only(const struct lister *l)
{
	long max = sysconf(_SC_OPEN_MAX);

	for (int fd = 3; fd < max; fd++)
		if (fd != l->fd && fd != l->q->cur && fd != l->q->state)
			(void)close(fd);
}

static void end_by_signals(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void lister(struct sched *q, int fd, int all, uint32_t uid)
{
	struct lister l = {.q = q,
			   .fd = fd,
			   .all = all,
			   .uid = uid,
			   .deadline = clock_mono_ms() + SECONDS * 1000,
			   .frame = SBUF_INIT(LIMIT_FRAME)};

	keep_only(&l);
	end_by_signals();
	(void)alarm(SECONDS);
	send_all(&l);
	send_frame(&l, &(struct keeper_frame){.what = 'E'});
	_exit(0);
}
