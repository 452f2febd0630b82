/* One job: recipients of a message for one destination, as a frame for a spawner. */
#include "sched.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "job.h"
#include "sbuf.h"
#include "smtpauth.h"
#include "usock.h"
#include "verp.h"

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

uint16_t making_fill(const struct sched *q, struct part *p, int channel, struct slot *s)
{
	s->n = 0;
	while (p->at < p->end && add_rcpt(q, p, channel, s))
		;
	return s->n;
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

int making_send(struct sched *q, struct channel *c, struct half *h, uint16_t number,
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
