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
#include <string.h>
#include <unistd.h>

#include "batch.h"
#include "log.h"
#include "logout.h"
#include "prog.h"
#include "sbuf.h"

struct queue {
	struct msg *head;
	struct msg **end;
	unsigned n;
};

static struct queue stuck = {NULL, &stuck.head, 0}; /* the disk did not take it */

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

static int remove_journals(const struct sched *q, const struct batch_id *first)
{
	if (fsync(q->cur) == -1)
		return -1;
	for (const struct batch_id *i = first; i != NULL; i = i->next)
		(void)unlinkat(q->state, i->id, 0);
	return 0;
}

static struct batch removed = {.run = remove_journals, .what = "sync queue/cur"};

void journal_remove(struct sched *q, const char *id)
{
	/* Without memory it is an orphan until the next start. */
	(void)!batch_add(&removed, q, id);
}

void msg_remove(struct sched *q, struct msg *m)
{
	logout_flush();
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

int set_aside(struct sched *q, const char *id, const char *why)
{
	char state[QID_LEN + sizeof ".state"];

	(void)snprintf(state, sizeof state, "%s.state", id);
	if (renameat(q->cur, id, q->bad, id) == -1) {
		warn_sys2("move to queue/bad:", id);
		return -1;
	}
	(void)renameat(q->state, id, q->bad, state);
	forget(q, id);
	log_bad(id, why);
	return 0;
}

/* ---- what a full disk did not let us write ---- */

static void save_done(struct sched *q, struct msg *m)
{
	struct sbuf b = SBUF_INIT(JOURNAL_BYTES);
	struct journal_record r = {.text = ""}; /* what was said of it is lost */
	int ok = 0;

	for (r.index = 0; r.index < m->env.nrcpts && ok == 0; r.index++)
		if (m->rcpts[r.index].state == RCPT_UNSAVED) {
			r.what = m->rcpts[r.index].good;
			ok = journal_put(&b, m->id, m->journal.len, &r);
		}
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

/* ---- where a message goes ---- */

void settle(struct sched *q, struct msg *m)
{
	if (m->settling)
		return;
	if (m->bad) {
		if (set_aside(q, m->id, "the message is corrupt") == -1)
			wait_unsorted(q, m, FAULT_PAUSE);
		msg_unload(q, m);
		return;
	}
	m->settling = 1;
	if (m->moved)
		wait_anew(q, m);
	if (m->ended || m->removed || (m->todo == 0 && m->failed == 0 && m->told == 0)) {
		msg_remove(q, m);
		return;
	}
	if (m->unsaved > 0)
		save_done(q, m);
	if (m->unsaved > 0)
		queue_add(&stuck, m);
	else if (m->todo == 0)
		notify_end(q, m);
	else if (m->stopped)
		hold_settle(q, m);
	else {
		notify_delay(q, m);
		msg_unload(q, m);
	}
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
