/* Jobs: the recipients whose turn it is go to a channel's spawner.
 *
 * The fairness rule of a channel: the active halves stand in a ring; each turn gives
 * one job to the next one, and of a remote half to its next destination that has a
 * seat. A half never holds the last fifth of the jobs, however many recipients it has,
 * nor a destination, however slow it is: at most four times as many as are free. So a
 * single message finds one as soon as it is active. */
#include "sched.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job.h"
#include "log.h"
#include "prog.h"
#include "sbuf.h"
#include "smtpauth.h"
#include "usock.h"
#include "verp.h"

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

/* A job's strings: one job is made at a time. */
static struct {
	struct job job;
	struct route_to to;
	size_t room; /* left in the frame */
	char sender[LIMIT_ADDRESS + 1];
	char rcpts[LIMIT_JOBRCPTS][LIMIT_ADDRESS + 1];
} making;
static struct sbuf frame = SBUF_INIT(LIMIT_FRAME);

static int same_destination(const struct route_to *a, const struct route_to *b)
{
	if (a->relay[0] != '\0' || b->relay[0] != '\0')
		return strcmp(a->relay, b->relay) == 0;
	return strcmp(a->domain, b->domain) == 0;
}

/* The part's next recipient, if it fits to those that are in the job already. */
static int add_rcpt(const struct sched *q, struct part *p, int channel, struct slot *s)
{
	const struct half *h = p->half;
	uint32_t i = h->order[p->at];
	struct envelope_rcpt r;
	struct route_to to;

	(void)envelope_rcpt(&h->msg->env, msg_rcpt(h->msg, i), &r);
	if (s->n == LIMIT_JOBRCPTS || (s->n > 0 && channel == ROUTE_LOCAL) ||
	    route_address(q->route, msg_rcpt(h->msg, i), &to, NULL, NULL) == -1 ||
	    (int)to.kind != channel)
		return 0;
	if (s->n > 0 &&
	    (verp_is(h->msg->env.sender) || !same_destination(&to, &making.to)))
		return 0;
	if (s->n == 0) {
		making.to = to;
		making.job.nlogins = 0;
		if (channel == ROUTE_REMOTE)
			smtpauth_logins(q->smtpauth, to.relay, &making.job);
		making.room = LIMIT_FRAME - JOB_HEAD - job_logins_room(&making.job);
	}
	if (making.room < job_room(to.address, r.orcpt))
		return 0;
	making.room -= job_room(to.address, r.orcpt);
	making.job.notify[s->n] = (uint8_t)r.notify;
	making.job.orcpt[s->n] = r.orcpt;
	memcpy(making.rcpts[s->n], to.address, strlen(to.address) + 1);
	making.job.rcpts[s->n] = making.rcpts[s->n];
	s->rcpts[s->n++] = i;
	p->at++;
	return 1;
}

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

static uint8_t ret_flag(const char *ret)
{
	if (ret == NULL)
		return 0;
	return *ret == 'F' ? JOB_RET_FULL : JOB_RET_HDRS;
}

static int build_frame(const struct half *h, uint16_t slot, const struct slot *s)
{
	const struct msg *m = h->msg;
	struct job *j = &making.job;

	j->slot = slot;
	j->id = m->id;
	j->msg_offset = qfile_msg_offset(&m->head);
	j->msg_len = m->head.msg_len;
	memcpy(j->msg_sum, m->head.msg_sum, SUM_LEN);
	j->birth = m->birth;
	j->flags = ret_flag(m->env.ret) | (h->insists ? JOB_INSIST : 0);
	j->envid = m->env.envid;
	verp_make(making.sender, sizeof making.sender, m->env.sender, j->rcpts[0]);
	j->sender = making.sender;
	j->route = making.to.kind == ROUTE_LOCAL ? making.to.local : making.to.relay;
	j->nrcpts = s->n;
	return job_put(&frame, j);
}

/* Always a fresh open file description; the first job gets the one that read the
 * envelope, by pread. */
static int open_for_job(const struct sched *q, struct msg *m)
{
	int fd = m->fd;

	m->fd = -1;
	if (fd == -1)
		fd =
		    openat(q->cur, m->id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd;
}

/* A password does not stay in it. */
static int send_frame(const struct channel *c, int fd)
{
	int r = usock_send(c->fd, frame.p, frame.len, fd);
	int e = errno;

	if (making.job.nlogins > 0)
		explicit_bzero(frame.p, frame.len);
	errno = e;
	return r;
}

static int send_job(struct sched *q, struct channel *c, struct half *h, uint16_t number,
		    struct slot *s)
{
	int fd;

	if (build_frame(h, number, s) == -1)
		return -1;
	fd = open_for_job(q, h->msg);
	if (fd == -1)
		return -1;
	if (send_frame(c, fd) == 0) {
		(void)close(fd);
		return 0;
	}
	h->msg->fd = fd;
	return -1;
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

	s->n = 0;
	while (p->at < p->end && add_rcpt(q, p, (int)c->kind, s))
		;
	if (s->n == 0) {
		skip_rcpt(q, p, (int)c->kind);
		return TURN_TAKEN;
	}
	if (send_job(q, c, p->half, number, s) == -1) {
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
