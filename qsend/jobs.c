/* Jobs: the recipients whose turn it is go to a channel's spawner.
 *
 * The fairness rule of a channel: the active halves stand in a ring; each turn gives
 * one job to the next one, and of a remote half to its next destination that has a
 * seat. A half never holds the last fifth of the jobs, however many recipients it has,
 * nor a destination, however slow it is: at most four times as many as are free. So a
 * single message finds one as soon as it is active. */
#include "sched.h"

#include <errno.h>
#include <stdlib.h>

#include "log.h"
#include "prog.h"

void ring_add(struct channel *c, struct half *h)
{
	if (c->ring == NULL)
		h->next = h;
	else {
		h->next = c->ring->next;
		c->ring->next = h;
	}
	c->ring = h;
	c->in_ring++;
	h->in_ring = 1;
}

static struct half *ring_take(struct channel *c)
{
	struct half *h = c->ring->next;

	if (h == c->ring)
		c->ring = NULL;
	else
		c->ring->next = h->next;
	c->in_ring--;
	h->in_ring = 0;
	return h;
}

void ring_remove(struct channel *c, struct half *h)
{
	struct half *before = c->ring;

	while (before->next != h)
		before = before->next;
	before->next = h->next;
	if (c->ring == h)
		c->ring = before == h ? NULL : before;
	c->in_ring--;
	h->in_ring = 0;
}

/* ---- slots ---- */

static int grow_slots(struct channel *c, unsigned n)
{
	struct slot *s = reallocarray(c->slots, n, sizeof *s);
	uint16_t *f;

	if (s == NULL)
		return -1;
	c->slots = s;
	f = reallocarray(c->free, n, sizeof *f);
	if (f == NULL)
		return -1;
	c->free = f;
	while (c->nslots < n) {
		c->slots[c->nslots].half = NULL;
		c->free[c->nfree++] = (uint16_t)c->nslots++;
	}
	return 0;
}

void jobs_limit(struct channel *c, unsigned limit)
{
	if (limit > c->nslots && grow_slots(c, limit) == -1) {
		if (c->nslots == 0) /* else nothing would move before the next HUP */
			die_sys(EXIT_TEMP, "make room for jobs");
		warn_sys("raise the concurrency");
		limit = c->nslots;
	}
	c->limit = limit;
}

/* ---- one job ---- */

/* No job can be made of the next recipient: it is no address, or a control file
 * has changed since the message was loaded. */
static void skip_rcpt(struct sched *q, struct part *p, int channel)
{
	struct half *h = p->half;
	uint32_t i = h->order[p->at++];
	struct delivery d = {.start = q->now.mono_ms};
	struct route_to to;
	int bad;

	h->left--;
	if (route_address(q->route, msg_rcpt(h->msg, i), &to, NULL, NULL) == 0) {
		h->msg->rcpts[i].channel = (uint8_t)to.kind;
		h->strays |= (int)to.kind != channel;
		h->msg->moved |= h->strays;
		return;
	}
	bad = errno == EINVAL;
	d.number = ++q->deliveries;
	log_start(q, &q->ch[channel], h->msg, i, d.number);
	if (bad)
		rcpt_decide(q, h, i, &d, 'D', "5.1.3 This recipient is no mail address.");
	else
		rcpt_decide(q, h, i, &d, 'Z', route_error());
}

/* Full sockets and lack of anything pass; without its spawner qsend is nothing. */
static void not_sent(struct sched *q, struct channel *c, struct part *p, struct slot *s)
{
	p->at -= s->n;
	if (errno == EAGAIN || errno == EWOULDBLOCK) {
		c->full = 1;
		return;
	}
	if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
		die_msg(EXIT_TEMP, "the %s spawner is gone", c->name);
	warn_sys2("start a delivery of", p->half->msg->id);
	c->rest = q->now.mono + REST;
}

static void started(struct sched *q, struct channel *c, struct part *p, struct slot *s)
{
	struct half *h = p->half;

	s->half = h;
	s->dest = p->dest;
	p->dest = NULL; /* the seat is the job's */
	if (s->dest != NULL)
		s->dest->jobs++;
	s->start = q->now.mono_ms;
	s->number = q->deliveries + 1;
	q->deliveries += s->n;
	h->left -= s->n;
	h->running++;
	c->running++;
	for (uint16_t i = 0; i < s->n; i++)
		log_start(q, c, h->msg, s->rcpts[i], s->number + i);
}

enum turn { TURN_TAKEN, TURN_HELD, TURN_STOP };

static enum turn start_one(struct sched *q, struct channel *c, struct part *p)
{
	uint16_t number = c->free[c->nfree - 1];
	struct slot *s = &c->slots[number];

	if (making_fill(q, p, (int)c->kind, s) == 0) {
		skip_rcpt(q, p, (int)c->kind);
		return TURN_TAKEN;
	}
	if (making_send(q, c, p->half, number, s) == -1) {
		not_sent(q, c, p, s);
		return TURN_STOP;
	}
	c->nfree--;
	started(q, c, p, s);
	return TURN_TAKEN;
}

/* ---- whose turn ---- */

static int may_start(const struct sched *q, const struct channel *c)
{
	return !q->stopping && !c->paused && !c->full && c->ring != NULL &&
	       c->rest <= q->now.mono && c->running < c->limit && c->nfree > 0;
}

static int half_has_its_share(const struct channel *c, const struct half *h)
{
	return h->running >= c->limit - c->limit / 5;
}

/* The first job is everybody's. */
static int dest_has_its_share(const struct channel *c, const struct dest *d)
{
	return d->jobs > 0 && d->jobs + 1 > 4 * (c->limit - c->running - 1);
}

static struct dest *dest_of(struct sched *q, const struct part *p)
{
	const struct msg *m = p->half->msg;
	struct dest *d = dests_find(&q->dests, p->hash);
	struct route_to to;

	if (d != NULL)
		return d;
	if (route_address(q->route, msg_rcpt(m, p->half->order[p->at]), &to, NULL,
			  NULL) == -1 ||
	    to.kind != ROUTE_REMOTE)
		return NULL;
	return dests_get(&q->dests, p->hash, to.relay, to.domain, q->now.mono_ms);
}

/* p has a seat now, or needs none; else it is parked, or was passed over. Who comes
 * when others wait goes behind them. */
static int take_seat(struct sched *q, struct part *p)
{
	struct dest *d = p->hash != 0 && p->dest == NULL ? dest_of(q, p) : NULL;
	enum dest_can can;
	int in_line;

	if (d == NULL)
		return 1;
	can = dest_ask(d, q->now.mono_ms, p->half->insists);
	in_line = can == DEST_WAIT || d->parked != NULL || dest_has_due(d, q->now.mono);
	if (can == DEST_PASS)
		part_pass_over(q, p, 1);
	else if (in_line && p->half->looks)
		part_pass_over(q, p, 0);
	else if (in_line)
		part_park(q, p, d);
	else {
		dest_take(&q->dests, d, q->now.mono_ms);
		p->dest = d;
		return 1;
	}
	return 0;
}

static enum turn part_turn(struct sched *q, struct channel *c, struct part *p)
{
	if (!take_seat(q, p))
		return TURN_TAKEN;
	if (p->dest != NULL && dest_has_its_share(c, p->dest))
		return TURN_HELD;
	return start_one(q, c, p);
}

/* Of its ready parts the first that is not held by its destination's share. */
static enum turn half_turn(struct sched *q, struct channel *c, struct half *h)
{
	const struct part *first = h->ready;
	enum turn t;

	if (half_has_its_share(c, h))
		return TURN_HELD;
	do {
		struct part *p = part_take(h);

		t = part_turn(q, c, p);
		if (p->parked)
			continue;
		if (p->at < p->end)
			part_ready(h, p);
		else if (p->dest != NULL) {
			dest_give(&q->dests, p->dest);
			p->dest = NULL;
		}
	} while (t == TURN_HELD && h->ready != first);
	return t;
}

void jobs_start(struct sched *q, struct channel *c)
{
	unsigned held = 0;

	while (may_start(q, c)) {
		struct half *h = ring_take(c);
		enum turn t = half_turn(q, c, h);

		if (h->ready != NULL)
			ring_add(c, h);
		else
			half_check(q, h);
		held = t == TURN_HELD ? held + 1 : 0;
		if (t == TURN_STOP || (held > 0 && held >= c->in_ring))
			return;
	}
}
