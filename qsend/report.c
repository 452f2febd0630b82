/* What a spawner reports: of the recipients, of their destination, of the network. */
#include "sched.h"

#include <errno.h>

#include "job.h"
#include "log.h"
#include "status.h"
#include "usock.h"

enum { REPORTS_A_TURN = 64 };

/* If this report ends the message well, and nobody wants to hear of it, nothing is
 * written: it is removed. */
static int all_is_well(const struct msg *m, const struct slot *s, const struct report *r)
{
	uint16_t good = 0;

	while (good < r->count && letter_is_delivered(r->letter[good]) &&
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
