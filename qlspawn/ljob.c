#include "ljob.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "job.h"
#include "localjob.h"
#include "prog.h"
#include "pwask.h"
#include "qlog.h"
#include "route.h"
#include "sbuf.h"
#include "usock.h"

struct ljob {
	struct ljob *next;
	enum { LOOKUP, WAITING, RUNNING, DONE } state;
	uint16_t slot;
	uint16_t nrcpts;
	int came_back; /* from a child that could not do it */
	int fd;        /* kept until the report: it may come back */
	char id[QID_LEN + 1];
	char local[LIMIT_ADDRESS + 1];
	struct sbuf frame; /* qsend's; when DONE: the report */
	struct question question;
	struct route_user user;
};

struct child *children;

static struct ljob *jobs; /* in the order of their arrival */
static unsigned njobs;
static int qsend_sock;
static int64_t job_ms;

void ljob_init(int qsend, unsigned seconds)
{
	qsend_sock = qsend;
	job_ms = (int64_t)seconds * 1000;
}

/* ---- the end of a job ---- */

static void close_fd(struct ljob *j)
{
	if (j->fd != -1)
		(void)close(j->fd);
	j->fd = -1;
}

/* The answer of all its recipients. Memory for it was made when the job came. */
static void finish(struct ljob *j, char letter, const char *text)
{
	const struct job all = {.slot = j->slot, .nrcpts = j->nrcpts};

	close_fd(j);
	j->state = DONE;
	if (report_all(&j->frame, &all, letter, text) == -1)
		die_sys(EXIT_TEMP, "answer a job");
}

static void finish_log(struct ljob *j, char letter, const char *text)
{
	struct qlog l;

	qlog_begin(&l, letter == 'D' ? "refuse" : "defer");
	qlog_id(&l, j->id);
	qlog_str(&l, "local", j->local);
	qlog_str(&l, "reason", text);
	qlog_end(&l);
	finish(j, letter, text);
}

int ljob_flush(void)
{
	for (struct ljob **at = &jobs; *at != NULL;) {
		struct ljob *j = *at;

		if (j->state != DONE) {
			at = &j->next;
			continue;
		}
		if (usock_send(qsend_sock, j->frame.p, j->frame.len, -1) == -1)
			return errno == EAGAIN ? 0 : -1;
		*at = j->next;
		njobs--;
		sbuf_free(&j->frame);
		free(j);
	}
	return 1;
}

/* ---- children ---- */

/* Of this user, or of all (NULL). */
static unsigned count_children(const struct route_user *u)
{
	unsigned n = 0;

	for (struct child *c = children; c != NULL; c = c->next)
		n += u == NULL || user_same(&c->user, u);
	return n;
}

static int is_idle(const struct child *c)
{
	return c->job == NULL && c->sock != -1;
}

/* An idle child that is this very person. One that has the name but not the rest
 * belongs to a user who was changed: it ends. */
static struct child *idle_child(const struct route_user *u)
{
	struct child *found = NULL;

	for (struct child *c = children; c != NULL; c = c->next) {
		if (!is_idle(c))
			continue;
		if (user_same(&c->user, u))
			found = c;
		else if (strcmp(c->user.name, u->name) == 0)
			child_close(c);
	}
	return found;
}

/* When there are as many as may be: the idle ones make room. */
static void make_room(void)
{
	for (struct child *c = children; c != NULL; c = c->next)
		if (is_idle(c))
			child_close(c);
}

/* A child for j: NULL when it must wait, or has been answered. */
static struct child *child_for(struct ljob *j)
{
	struct child *c = idle_child(&j->user);

	if (c != NULL || count_children(&j->user) >= PER_USER)
		return c;
	if (count_children(NULL) >= CHILDREN_MAX) {
		make_room();
		return NULL;
	}
	c = child_start(&j->user);
	if (c == NULL) {
		finish_log(j, 'Z', "Unable to start a delivery. (#4.3.0)");
		return NULL;
	}
	c->next = children;
	children = c;
	return c;
}

static void give(struct ljob *j, struct child *c)
{
	static struct sbuf b = SBUF_INIT(LIMIT_LOCALFRAME);

	sbuf_clear(&b);
	if (localjob_put(&b, j->user.dash, j->user.ext, j->user.alias, j->frame.p,
			 j->frame.len) == 0 &&
	    usock_send(c->sock, b.p, b.len, j->fd) == 0) {
		j->state = RUNNING;
		c->job = j;
		c->since = clock_mono_ms();
	} else {
		finish_log(j, 'Z', "Unable to hand over a delivery. (#4.3.0)");
		child_kill(c);
	}
}

/* Have all children of this user been at one job for a long time? */
static int is_stuck(const struct route_user *u)
{
	int64_t now = clock_mono_ms();
	unsigned slow = 0;

	for (struct child *c = children; c != NULL; c = c->next)
		slow += c->user.uid == u->uid && (c->job != NULL || c->sock == -1) &&
			now - c->since > SLOW_MS;
	return slow >= PER_USER;
}

static void assign(void)
{
	for (struct ljob *j = jobs; j != NULL; j = j->next) {
		struct child *c;

		if (j->state != WAITING)
			continue;
		c = child_for(j);
		if (c != NULL)
			give(j, c);
		else if (j->state == WAITING && is_stuck(&j->user))
			finish_log(j, 'Z',
				   "Earlier deliveries to this user hang. (#4.3.0)");
	}
}

/* ---- a new job ---- */

static void look_up(struct ljob *j)
{
	if (route_local(j->local, pwask_getpw, &j->question, &j->user, NULL, NULL) ==
	    -1) {
		if (errno != EINPROGRESS)
			finish_log(j, 'Z', route_error());
		return;
	}
	if (j->user.uid == 0)
		finish_log(j, 'D',
			   "root has no mailbox here; an alias must name one. (#5.1.1)");
	else
		j->state = WAITING;
}

static struct ljob *make_job(const struct job *in, const char *frame, size_t n, int fd)
{
	struct ljob *j = calloc(1, sizeof *j);

	if (j == NULL)
		return NULL;
	sbuf_init(&j->frame, LIMIT_FRAME);
	/* as large as any report, so that an answer needs no memory later */
	if (sbuf_reserve(&j->frame, (size_t)in->nrcpts * (LIMIT_TEXT + 2) + 16) == -1 ||
	    sbuf_cat(&j->frame, frame, n) == -1) {
		sbuf_free(&j->frame);
		free(j);
		return NULL;
	}
	j->slot = in->slot;
	j->nrcpts = in->nrcpts;
	j->fd = fd;
	(void)snprintf(j->id, sizeof j->id, "%s", in->id);
	(void)snprintf(j->local, sizeof j->local, "%s", in->route);
	return j;
}

static void append(struct ljob *j)
{
	struct ljob **at = &jobs;

	while (*at != NULL)
		at = &(*at)->next;
	*at = j;
	njobs++;
}

int ljob_take(const char *frame, size_t n, int fd)
{
	struct job in;
	struct ljob *j;

	if (fd == -1) {
		errno = EBADMSG;
		return -1;
	}
	if (job_get(&in, frame, n) == -1)
		return -1;
	j = make_job(&in, frame, n, fd);
	if (j == NULL)
		die_sys(EXIT_TEMP, "take a job");
	append(j);
	if (njobs > JOBS_MAX)
		finish(j, 'Z', "Too many deliveries at once. (#4.3.2)");
	else
		look_up(j);
	assign();
	return 0;
}

void ljob_settled(const char *name, char result)
{
	for (struct ljob *j = jobs; j != NULL; j = j->next) {
		if (j->state != LOOKUP)
			continue;
		question_settle(&j->question, name, result);
		if (j->question.waits[0] == '\0')
			look_up(j);
	}
	assign();
}

/* ---- what children do ---- */

static void lose(struct child *c, const char *why)
{
	struct ljob *j = c->job;

	child_kill(c);
	c->job = NULL;
	if (j != NULL)
		finish_log(j, 'Z', why);
}

static int take_report(struct child *c, const char *p, size_t n)
{
	struct ljob *j = c->job;
	struct report r;

	if (j == NULL || report_get(&r, p, n) == -1 || r.slot != j->slot ||
	    r.count != j->nrcpts)
		return -1;
	if (report_put(&j->frame, &r) == -1)
		return -1;
	close_fd(j);
	j->state = DONE;
	c->job = NULL;
	c->since = clock_mono_ms();
	return 0;
}

/* It needs what this child lacks: it waits for another one, which is started anew. */
static int take_back(struct child *c)
{
	struct ljob *j = c->job;

	if (j == NULL || j->came_back)
		return -1;
	j->came_back = 1;
	j->state = WAITING;
	c->job = NULL;
	child_close(c);
	return 0;
}

static int take_answer(struct child *c, const char *p, size_t n)
{
	return n == 1 && *p == LOCALJOB_BACK ? take_back(c) : take_report(c, p, n);
}

void ljob_hear(struct child *c)
{
	static char buf[LIMIT_FRAME];
	ssize_t r = usock_recv(c->sock, buf, sizeof buf, NULL);

	if (r == -1 && errno == EAGAIN)
		return;
	if (r <= 0)
		lose(c, "The delivery ended without a result. (#4.3.0)");
	else if (take_answer(c, buf, (size_t)r) == -1) {
		warn_msg("%s (pid %ld): not a report", c->user.name, (long)c->pid);
		lose(c, "The delivery ended without a result. (#4.3.0)");
	}
	assign();
}

static void reap(void)
{
	for (struct child **at = &children; *at != NULL;) {
		struct child *c = *at;

		/* its last report may still be in the socket */
		if (c->sock == -1 && child_reap(c)) {
			*at = c->next;
			child_free(c);
		} else
			at = &c->next;
	}
	assign();
}

void ljob_tick(void)
{
	int64_t now = clock_mono_ms();

	for (struct child *c = children; c != NULL; c = c->next) {
		if (is_idle(c) && now - c->since >= LINGER_MS)
			child_close(c);
		else if (c->job != NULL && now - c->since >= job_ms)
			lose(c, "The delivery took too long. (#4.3.0)");
		else if (c->sock == -1 && now - c->since >= LINGER_MS + END_MS)
			child_kill(c); /* its user may have stopped it */
	}
	reap();
}

int ljob_busy(void)
{
	return jobs != NULL || children != NULL;
}
