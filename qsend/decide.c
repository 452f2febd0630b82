/* One recipient is decided: the log, the journal, and a failure counts when it is
 * durable. */
#include "sched.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "job.h"
#include "log.h"
#include "prog.h"
#include "sbuf.h"
#include "status.h"

enum {
	/* Without a network nobody's time runs out: that long after a remote job last
	 * met one, deferrals for want of it no longer count. */
	NETWORK_MEMORY = 3600,
};

/* ---- the journal ---- */

static struct sbuf record = SBUF_INIT(LIMIT_FRAME);

static int remember(const struct sched *q, struct msg *m, const struct journal_record *r)
{
	sbuf_clear(&record);
	if (journal_put(&record, m->id, m->journal.len, r) == 0 &&
	    journal_append(&m->journal, q->state, m->id, &record) == 0)
		return 0;
	warn_sys2("write the journal of", m->id);
	return -1;
}

void msg_note(const struct sched *q, struct msg *m, const struct journal_record *r)
{
	if (m->journal.len < JOURNAL_CHATTY)
		(void)remember(q, m, r);
}

static void note_later(const struct sched *q, struct msg *m, uint32_t i, const char *text)
{
	int same = *text != '\0' && strcmp(text, m->later) == 0;

	msg_note(
	    q, m,
	    &(struct journal_record){.what = 'Z', .index = i, .text = same ? "" : text});
	(void)snprintf(m->later, sizeof m->later, "%s", text);
}

/* ---- failures count when they are durable ---- */

static int run_sync(struct work *w, unsigned thread)
{
	struct msg *m = (struct msg *)((char *)w - offsetof(struct msg, sync));

	(void)thread;
	if (fdatasync(m->journal.fd) == -1)
		return -1;
	return m->sync_dir != -1 ? fsync(m->sync_dir) : 0;
}

static void change_states(struct msg *m, enum rcpt_state from, enum rcpt_state to)
{
	for (size_t i = 0; i < m->env.nrcpts; i++)
		if (m->rcpts[i].state == from)
			m->rcpts[i].state = (uint8_t)to;
}

static void begin_sync(struct sched *q, struct msg *m);

/* A failed sync leaves nobody knows what on the disk: these are tried again. */
static void sync_failed(struct sched *q, struct msg *m)
{
	errno = m->sync.error;
	warn_sys2("sync the journal of", m->id);
	for (uint32_t i = 0; i < m->env.nrcpts; i++)
		if (m->rcpts[i].state == RCPT_SYNCING) {
			m->rcpts[i].state = RCPT_TODO;
			m->half[m->rcpts[i].channel].defers = 1;
			note_later(q, m, i, "4.3.0 unable to record the failure");
		}
}

static void sync_done(struct sched *q, struct msg *m)
{
	if (m->sync.error != 0)
		sync_failed(q, m);
	else {
		change_states(m, RCPT_SYNCING, RCPT_FAILED);
		m->failed += m->syncing;
		m->todo -= m->syncing;
		if (m->sync_dir != -1)
			m->journal.unsynced_name = 0;
	}
	m->syncing = 0;
	begin_sync(q, m);
	msg_check(q, m);
}

static struct sched *sync_owner;

static void take_sync(struct work *w)
{
	sync_done(sync_owner, (struct msg *)((char *)w - offsetof(struct msg, sync)));
}

static void begin_sync(struct sched *q, struct msg *m)
{
	if (m->failing == 0 || m->syncing > 0)
		return;
	change_states(m, RCPT_FAILING, RCPT_SYNCING);
	m->syncing = m->failing;
	m->failing = 0;
	m->sync_dir = m->journal.unsynced_name ? q->state : -1;
	m->sync = (struct work){.run = run_sync, .done = take_sync};
	sync_owner = q;
	syncer_add(&q->syncer, &m->sync);
}

/* ---- one recipient ---- */

static void delivered(struct sched *q, struct msg *m, uint32_t i, char letter,
		      const char *text)
{
	char good = tell_good(m, i, letter);

	m->todo--;
	m->told += good != 'K';
	m->rcpts[i].good = good;
	m->rcpts[i].state = RCPT_DONE;
	if (remember(q, m,
		     &(struct journal_record){.what = good, .index = i, .text = text}) ==
	    -1) {
		m->rcpts[i].state = RCPT_UNSAVED;
		m->unsaved++;
	}
}

void rcpt_defer(struct sched *q, struct half *h, uint32_t i, const char *text)
{
	h->defers = 1;
	note_later(q, h->msg, i, text);
}

static void failed(struct sched *q, struct half *h, uint32_t i, const char *text)
{
	struct msg *m = h->msg;
	struct journal_record r = {.what = 'D', .index = i, .text = text};

	/* What cannot be remembered has not happened. */
	if (remember(q, m, &r) == -1) {
		h->defers = 1;
		return;
	}
	if (!tell_is_failure_wanted(m->rcpts[i].notify)) {
		m->rcpts[i].state = RCPT_DONE;
		m->todo--;
		return;
	}
	m->rcpts[i].state = RCPT_FAILING;
	m->failing++;
}

static void too_long(char out[LIMIT_TEXT + 1], const char *text)
{
	static const char why[] =
	    " I am giving up: the message has been in the queue too long.";

	(void)snprintf(out, LIMIT_TEXT + 1, "%.*s%s", (int)(LIMIT_TEXT + 1 - sizeof why),
		       text, why);
}

/* Does this deferral bring the end nearer? */
static int counts(struct sched *q, const struct half *h, uint32_t i, const char *text)
{
	const struct channel *c = &q->ch[ROUTE_REMOTE];

	if (h->msg->rcpts[i].channel == ROUTE_LOCAL ||
	    (!h->offline && !status_no_network(text)))
		return 1;
	return c->network != 0 && q->now.mono - c->network < NETWORK_MEMORY;
}

int letter_is_delivered(char letter)
{
	return letter == 'K' || letter == 'R' || letter == 'X';
}

/* A child runs as its user, who must not be able to take a message from its other
 * recipients: it is believed when all say so who still wait, and nobody has had it. */
static int is_corrupt(struct msg *m, uint32_t i)
{
	m->spoilt += m->rcpts[i].good != 'B';
	m->rcpts[i].good = 'B';
	return m->spoilt == m->todo - m->failing - m->syncing &&
	       m->todo + m->failed == m->env.nrcpts;
}

static void not_corrupt(struct msg *m, uint32_t i)
{
	if (m->rcpts[i].good != 'B')
		return;
	m->rcpts[i].good = '\0';
	m->spoilt--;
}

/* The log line comes first: what it tells may be forgotten by a crash and be told
 * again, but nothing is remembered untold. */
void rcpt_decide(struct sched *q, struct half *h, uint32_t i, const struct delivery *d,
		 char letter, const char *text)
{
	char last[LIMIT_TEXT + 1];

	if (letter != 'B')
		not_corrupt(h->msg, i);
	else if (!is_corrupt(h->msg, i)) {
		letter = 'Z';
		text = CORRUPT_TEXT;
	}
	if (letter == 'Z' && counts(q, h, i, text)) {
		h->counts = 1;
		if (h->dying) {
			too_long(last, text);
			letter = 'D';
			text = last;
			not_corrupt(h->msg, i);
		}
	}
	log_delivery(q, &q->ch[h->msg->rcpts[i].channel], h->msg, i, d, letter, text);
	if (letter_is_delivered(letter))
		delivered(q, h->msg, i, letter, text);
	else if (letter == 'D') {
		failed(q, h, i, text);
		begin_sync(q, h->msg);
	} else if (letter == 'B')
		h->msg->bad = 1;
	else
		rcpt_defer(q, h, i, text);
}
