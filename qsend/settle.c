/* The end of a pass over a message: out of memory until its next try, or, when all
 * its recipients are decided, a notification if one failed, and its removal.
 *
 * The order of removal: cur/ID, and only when that is durable (cur/ synced, by a
 * thread) state/ID. Were the journal gone first, a crash would leave a message
 * that looks new, and all its recipients would get it again. A journal
 * left alone is removed at the next start. Without a journal the unlink is not
 * synced: a power cut may bring the message back, at most to be delivered again. */
#include "sched.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bounce.h"
#include "job.h"
#include "log.h"
#include "prog.h"
#include "sbuf.h"
#include "usock.h"

struct queue {
	struct msg *head;
	struct msg **end;
	unsigned n;
};

static struct queue bounces = {NULL, &bounces.head, 0};
static struct queue stuck = {NULL, &stuck.head, 0}; /* the disk did not take it */
static struct msg *bouncing[BOUNCES];

static void queue_add(struct queue *l, struct msg *m)
{
	m->queued = NULL;
	*l->end = m;
	l->end = &m->queued;
	l->n++;
}

static struct msg *queue_take(struct queue *l)
{
	struct msg *m = l->head;

	if (m == NULL)
		return NULL;
	l->head = m->queued;
	if (l->head == NULL)
		l->end = &l->head;
	l->n--;
	return m;
}

/* ---- removal ---- */

struct gone {
	struct gone *next;
	char id[QID_LEN + 1];
};

static struct {
	struct work work;
	int cur, state;
	struct gone *now;  /* the thread's */
	struct gone *next; /* for the thread after this one */
	struct syncer *syncer;
} removal;

static int remove_journals(struct work *w, unsigned thread)
{
	(void)w;
	(void)thread;
	if (fsync(removal.cur) == -1)
		return -1;
	for (struct gone *g = removal.now; g != NULL; g = g->next)
		(void)unlinkat(removal.state, g->id, 0);
	return 0;
}

static void removal_begin(void);

static void removal_done(struct work *w)
{
	if (w->error != 0) {
		errno = w->error;
		warn_sys("sync queue/cur");
	}
	while (removal.now != NULL) {
		struct gone *g = removal.now;

		removal.now = g->next;
		free(g);
	}
	removal_begin();
}

static void removal_begin(void)
{
	if (removal.now != NULL || removal.next == NULL)
		return;
	removal.now = removal.next;
	removal.next = NULL;
	removal.work = (struct work){.run = remove_journals, .done = removal_done};
	syncer_add(removal.syncer, &removal.work);
}

void journal_remove(struct sched *q, const char *id)
{
	struct gone *g = malloc(sizeof *g);

	if (g == NULL) /* an orphan until the next start */
		return;
	memcpy(g->id, id, sizeof g->id);
	g->next = removal.next;
	removal.next = g;
	removal.cur = q->cur;
	removal.state = q->state;
	removal.syncer = &q->syncer;
	removal_begin();
}

static void remove_msg(struct sched *q, struct msg *m)
{
	if (unlinkat(q->cur, m->id, 0) == -1 && errno != ENOENT) {
		if (!m->ended)
			warn_sys2("remove message", m->id);
		m->ended = 1;
		queue_add(&stuck, m);
		return;
	}
	if (m->journal.fd != -1)
		journal_remove(q, m->id);
	if (m->removed)
		hold_log_removed(m);
	else
		log_end(q, m);
	q->messages--;
	msg_unload(q, m);
}

void forget(struct sched *q, const char *id)
{
	uint64_t ns;
	uint32_t random;

	q->messages--;
	if (qid_split(id, &ns, &random) == -1)
		return;
	heaps_forget(q, ns, random);
}

void set_aside(struct sched *q, const char *id, const char *why)
{
	char state[QID_LEN + sizeof ".state"];

	(void)snprintf(state, sizeof state, "%s.state", id);
	if (renameat(q->cur, id, q->bad, id) == -1) {
		warn_sys2("move to queue/bad:", id);
		return;
	}
	(void)renameat(q->state, id, q->bad, state);
	forget(q, id);
	log_bad(id, why);
}

/* ---- what a full disk did not let us write ---- */

static void save_done(struct sched *q, struct msg *m)
{
	struct sbuf b = SBUF_INIT(JOURNAL_BYTES);
	struct journal_record r = {.what = 'K'};
	int ok = 0;

	for (r.index = 0; r.index < m->env.nrcpts && ok == 0; r.index++)
		if (m->rcpts[r.index].state == RCPT_UNSAVED)
			ok = journal_put(&b, m->id, m->journal.len, &r);
	if (ok == 0)
		ok = journal_append(&m->journal, q->state, m->id, &b);
	sbuf_free(&b);
	if (ok == -1)
		return;
	for (size_t i = 0; i < m->env.nrcpts; i++)
		if (m->rcpts[i].state == RCPT_UNSAVED)
			m->rcpts[i].state = RCPT_DONE;
	m->unsaved = 0;
}

/* ---- the notification ---- */

static void end_bounce(struct sched *q, struct msg *m, char letter, const char *text)
{
	switch (letter) {
	case 'K':
		log_bounce(m, text);
		remove_msg(q, m);
		return;
	case 'B':
	case 'D':
		set_aside(q, m->id, letter == 'B' ? "head or envelope is corrupt" : text);
		break;
	default:
		warn_msg("no notification for %s yet: %s", m->id, text);
		wait_unsorted(q, m, BOUNCE_PAUSE);
	}
	msg_unload(q, m);
}

/* Two frames, each with a descriptor: the queue file, the journal. -1 with errno:
 * EAGAIN to go on later with what is not sent. */
static int send_part(struct sched *q, struct msg *m, char part, uint16_t slot, int dir)
{
	static struct sbuf frame = SBUF_INIT(64);
	int fd = openat(dir, m->id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int r = -1;

	if (fd == -1)
		return -1;
	if (bounce_put(&frame, part, slot, m->id) == 0)
		r = usock_send(q->bounce, frame.p, frame.len, fd);
	if (r == -1) {
		int e = errno;

		(void)close(fd);
		errno = e;
		return -1;
	}
	(void)close(fd);
	return 0;
}

static int send_bounce(struct sched *q, struct msg *m, uint16_t slot)
{
	if (!m->half_sent && send_part(q, m, BOUNCE_MESSAGE, slot, q->cur) == -1)
		return -1;
	m->half_sent = 1;
	if (send_part(q, m, BOUNCE_JOURNAL, slot, q->state) == -1)
		return -1;
	m->half_sent = 0;
	return 0;
}

static int free_place(void)
{
	for (int i = 0; i < BOUNCES; i++)
		if (bouncing[i] == NULL)
			return i;
	return -1;
}

void bounce_push(struct sched *q)
{
	int slot;

	while (!q->stopping && !q->bounce_full && bounces.head != NULL &&
	       (slot = free_place()) != -1) {
		struct msg *m = bounces.head;

		if (send_bounce(q, m, (uint16_t)slot) == 0)
			bouncing[slot] = queue_take(&bounces);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			q->bounce_full = 1;
		else if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
			die_msg(EXIT_TEMP, "qbounce is gone");
		else
			end_bounce(q, queue_take(&bounces), 'Z', strerror(errno));
	}
}

int bounce_take(struct sched *q)
{
	char frame[4 + 1 + LIMIT_TEXT + 1];
	struct report r;
	ssize_t n;

	while ((n = usock_recv(q->bounce, frame, sizeof frame, NULL)) > 0) {
		struct msg *m;

		if (report_get(&r, frame, (size_t)n) == -1 || r.slot >= BOUNCES ||
		    r.count != 1 || (m = bouncing[r.slot]) == NULL)
			return -1;
		bouncing[r.slot] = NULL;
		end_bounce(q, m, r.letter[0], r.text[0]);
	}
	return n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : -1;
}

unsigned bounces_running(void)
{
	unsigned n = 0;

	for (int i = 0; i < BOUNCES; i++)
		n += bouncing[i] != NULL;
	return n;
}

/* A notification of a notification goes to the postmaster; one of that, nowhere. */
static void bounce(struct sched *q, struct msg *m)
{
	if (strcmp(m->env.sender, "#@[]") == 0) {
		log_discard(m);
		remove_msg(q, m);
		return;
	}
	if (bounces.n < BOUNCE_QUEUE) {
		queue_add(&bounces, m);
		return;
	}
	wait_unsorted(q, m, BOUNCE_PAUSE);
	msg_unload(q, m);
}

/* ---- where a message goes ---- */

void settle(struct sched *q, struct msg *m)
{
	if (m->settling)
		return;
	if (m->bad) {
		set_aside(q, m->id, "the message is corrupt");
		msg_unload(q, m);
		return;
	}
	m->settling = 1;
	if (m->ended || m->removed || (m->todo == 0 && m->failed == 0)) {
		remove_msg(q, m);
		return;
	}
	if (m->unsaved > 0)
		save_done(q, m);
	if (m->unsaved > 0)
		queue_add(&stuck, m);
	else if (m->todo == 0)
		bounce(q, m);
	else if (m->stopped)
		hold_settle(q, m);
	else
		msg_unload(q, m);
}

void settle_again(struct sched *q)
{
	for (unsigned n = stuck.n; n > 0; n--) {
		struct msg *m = queue_take(&stuck);

		m->settling = 0;
		if (!m->half[ROUTE_LOCAL].on && !m->half[ROUTE_REMOTE].on)
			settle(q, m);
	}
}

unsigned settle_stuck(void)
{
	return stuck.n;
}
