/* What a spawner reports: into the journal, and on to the next try or the end. */
#include "sched.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job.h"
#include "log.h"
#include "prog.h"
#include "sbuf.h"
#include "status.h"
#include "usock.h"

enum {
	REPORTS_A_TURN = 64,
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

/* What only informs is left out of a long journal, and may be lost. */
static void note(const struct sched *q, struct msg *m, const struct journal_record *r)
{
	if (m->journal.len < JOURNAL_CHATTY)
		(void)remember(q, m, r);
}

static void note_later(const struct sched *q, struct msg *m, uint32_t i, const char *text)
{
	int same = *text != '\0' && strcmp(text, m->later) == 0;

	note(q, m,
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

/* The last half that ends settles the message, and then it may be gone. */
void msg_check(struct sched *q, struct msg *m)
{
	int both = m->half[ROUTE_LOCAL].on && m->half[ROUTE_REMOTE].on;
	int one = m->half[ROUTE_LOCAL].on ? ROUTE_LOCAL : ROUTE_REMOTE;

	half_check(q, &m->half[one]);
	if (both)
		half_check(q, &m->half[ROUTE_REMOTE]);
}

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

static void deferred(struct sched *q, struct half *h, uint32_t i, const char *text)
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

static int is_delivered(char letter)
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
	if (is_delivered(letter))
		delivered(q, h->msg, i, letter, text);
	else if (letter == 'D') {
		failed(q, h, i, text);
		begin_sync(q, h->msg);
	} else if (letter == 'B')
		h->msg->bad = 1;
	else
		deferred(q, h, i, text);
}

/* ---- the end of a pass ---- */

/* Those to be tried again, and their destination if it is one. */
static uint32_t count_left(const struct half *h, uint32_t *dest)
{
	uint32_t n = 0;

	*dest = 0;
	for (uint32_t k = 0; k < h->n; k++) {
		const struct rcpt *r = &h->msg->rcpts[h->order[k]];

		if (r->state != RCPT_TODO)
			continue;
		if (n++ == 0)
			*dest = r->dest;
		else if (r->dest != *dest)
			*dest = 0;
	}
	return n;
}

static void push(struct due *d, const struct entry *e)
{
	if (due_push(d, e) == -1)
		die_sys(EXIT_TEMP, "remember a message");
}

static void try_later(struct sched *q, struct half *h, struct channel *c)
{
	struct journal_record r = {
	    .what = 'A', .channel = (uint8_t)c->kind, .time = q->now.wall};

	retry_later(&h->entry, h->msg->birth, q->conf.lifetime, c->skip, h->counts,
		    &q->now);
	h->entry.flags &= ENTRY_FOUND;
	if (h->rested)
		h->entry.flags |= ENTRY_RESTED;
	note(q, h->msg, &r);
	wait_entry(q, c, h->size, &h->entry);
}

/* Recipients that a changed control file gave to the other channel. */
static void hand_over(struct sched *q, struct half *h, const struct channel *c)
{
	struct channel *other = &q->ch[!c->kind];
	struct entry e = h->entry;

	e.due = q->now.mono;
	e.dest = 0;
	for (int s = 0; s < SIZES; s++)
		if (due_one(&other->lanes[s].waiting, e.ns, e.random, e.due))
			return;
	push(&other->lanes[h->size].waiting, &e);
}

struct channel *half_channel(struct sched *q, const struct half *h)
{
	return &q->ch[h == &h->msg->half[ROUTE_REMOTE] ? ROUTE_REMOTE : ROUTE_LOCAL];
}

/* Those that are left wait for their next try. */
static void half_requeue(struct sched *q, struct half *h, struct channel *c, uint32_t due)
{
	uint32_t n;

	if (h->strays)
		hand_over(q, h, c);
	n = count_left(h, &h->entry.dest);
	if (n == 0)
		return;
	if (h->defers)
		try_later(q, h, c);
	else if (h->left > 0) {
		h->entry.due = due;
		wait_entry(q, c, h->size, &h->entry);
	}
}

void half_leave(struct sched *q, struct half *h, uint32_t due)
{
	struct msg *m = h->msg;
	struct channel *c = half_channel(q, h);

	h->on = 0;
	c->lanes[h->size].active--;
	if (h->in_ring)
		ring_remove(c, h);
	parts_drop(q, h);
	if (!m->bad && !m->stopped)
		half_requeue(q, h, c, due);
	free(h->order);
	h->order = NULL;
	if (!m->half[!c->kind].on)
		settle(q, m);
}

/* It has nothing under way and nothing ready: with one destination it waits there,
 * with several it keeps its place while nobody wants it. */
static void half_idle(struct sched *q, struct half *h)
{
	uint32_t parts = 0;

	for (uint32_t i = 0; i < h->nparts && parts < 2; i++)
		parts += h->parts[i].at < h->parts[i].end;
	if (parts == 1 && !h->defers && !h->strays)
		half_leave(q, h, q->now.mono);
	else
		idle_add(q, h);
}

void half_check(struct sched *q, struct half *h)
{
	const struct msg *m = h->msg;

	if (!h->on || h->running > 0 || m->failing > 0 || m->syncing > 0)
		return;
	if (h->left == 0)
		half_leave(q, h, q->now.mono);
	else if (h->ready == NULL)
		half_idle(q, h);
}

/* Of a message that dies of it this is the end, as of one that was deferred. */
static void decide_untried(struct sched *q, struct half *h, uint32_t i, const char *text)
{
	struct delivery d = {++q->deliveries, q->now.mono_ms};

	log_start(q, half_channel(q, h), h->msg, i, d.number);
	rcpt_decide(q, h, i, &d, 'Z', text);
}

void part_pass_over(struct sched *q, struct part *p, int rests)
{
	static const char is_dead[] =
	    "4.4.1 The hosts of this destination did not answer a while ago: "
	    "I leave them alone for now.";
	static const char is_full[] =
	    "4.4.5 This destination takes few messages at a time: this one waits for "
	    "its turn.";
	struct half *h = p->half;

	for (; p->at < p->end; p->at++) {
		h->left--;
		if (h->dying)
			decide_untried(q, h, h->order[p->at], is_full);
		else
			deferred(q, h, h->order[p->at], rests ? is_dead : is_full);
	}
	h->rested |= (uint8_t)(rests != 0);
}

/* ---- a report ---- */

/* If this report ends the message well, and nobody wants to hear of it, nothing is
 * written: it is removed. */
static int all_is_well(const struct msg *m, const struct slot *s, const struct report *r)
{
	uint16_t good = 0;

	while (good < r->count && is_delivered(r->letter[good]) &&
	       tell_good(m, s->rcpts[good], r->letter[good]) == 'K')
		good++;
	return good == r->count && m->todo == good && m->failed == 0 && m->unsaved == 0 &&
	       m->told == 0;
}

static void note_network(struct sched *q, struct channel *c, const struct report *r)
{
	for (uint16_t i = 0; i < r->count; i++)
		if (r->pace != PACE_NO_NETWORK &&
		    (r->letter[i] != 'Z' || !status_no_network(r->text[i])))
			c->network = q->now.mono + !q->now.mono;
}

static void decide_all(struct sched *q, const struct slot *s, const struct report *r)
{
	struct half *h = s->half;
	struct msg *m = h->msg;
	struct delivery d = {s->number, s->start};

	h->offline = r->pace == PACE_NO_NETWORK;
	if (all_is_well(m, s, r)) {
		for (uint16_t i = 0; i < r->count; i++) {
			log_delivery(q, &q->ch[m->rcpts[s->rcpts[i]].channel], m,
				     s->rcpts[i], &d, r->letter[i], r->text[i]);
			m->rcpts[s->rcpts[i]].state = RCPT_DONE;
			d.number++;
		}
		m->todo = 0;
		return;
	}
	for (uint16_t i = 0; i < r->count; i++, d.number++)
		rcpt_decide(q, h, s->rcpts[i], &d, r->letter[i], r->text[i]);
}

void msg_stop(struct sched *q, struct msg *m)
{
	for (int k = 0; k < CHANNELS; k++) {
		struct half *h = &m->half[k];

		if (!h->on || h->left == 0)
			continue;
		h->left = 0;
		parts_drop(q, h);
		if (h->in_ring)
			ring_remove(&q->ch[k], h);
	}
}

static enum due_change wake_rested(void *arg, struct entry *e)
{
	const struct sched *q = arg;

	if (!(e->flags & ENTRY_RESTED))
		return DUE_KEPT;
	e->flags &= (uint8_t)~ENTRY_RESTED;
	if (e->due > q->now.mono)
		e->due = q->now.mono;
	return DUE_CHANGED;
}

static int is_good(const struct report *r)
{
	for (uint16_t i = 0; i < r->count; i++)
		if (r->letter[i] != 'Z' && r->letter[i] != 'B')
			return 1;
	return 0;
}

/* The seat goes back, with what was learned. */
static void leave_seat(struct sched *q, struct slot *s, const struct report *r)
{
	struct dest *d = s->dest;
	enum dest_news news;

	if (d == NULL)
		return;
	s->dest = NULL;
	d->jobs--;
	news = dest_tell(d, r->pace, is_good(r), s->start, q->now.mono_ms);
	if (news != DEST_SAME)
		turns_log(d, news);
	if (news == DEST_IS_BACK)
		for (int i = 0; i < SIZES; i++)
			(void)due_walk(&d->waiting[i], wake_rested, q);
	dest_give(&q->dests, d);
}

static void apply(struct sched *q, struct channel *c, struct slot *s,
		  const struct report *r)
{
	struct half *h = s->half;
	struct msg *m = h->msg;

	note_network(q, c, r);
	decide_all(q, s, r);
	leave_seat(q, s, r);
	s->half = NULL;
	c->free[c->nfree++] = (uint16_t)(s - c->slots);
	c->running--;
	log_status(q);
	h->running--;
	if (m->bad)
		msg_stop(q, m);
	msg_check(q, m);
}

int report_take(struct sched *q, struct channel *c)
{
	static char frame[LIMIT_FRAME];
	struct report r;

	for (int n = 0; n < REPORTS_A_TURN; n++) {
		ssize_t len = usock_recv(c->fd, frame, sizeof frame, NULL);
		struct slot *s;

		if (len == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (len <= 0 || report_get(&r, frame, (size_t)len) == -1)
			return -1;
		s = r.slot < c->nslots ? &c->slots[r.slot] : NULL;
		if (s == NULL || s->half == NULL || s->n != r.count)
			return -1;
		apply(q, c, s, &r);
	}
	return 0;
}
