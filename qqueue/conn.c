#include "conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "escape.h"
#include "netstr.h"
#include "qlog.h"
#include "submission.h"
#include "usock.h"

enum { OUT_MAX = 2048, TRUSTED_IDLE_MS = 3600 * 1000 };

/* ---- the end of a connection ---- */

static void bury(struct conn *c)
{
	struct server *s = c->server;

	submission_drop(c);
	quota_leave(&s->quota, c->account);
	sbuf_free(&c->out);
	*c->back = c->next;
	if (c->next != NULL)
		c->next->back = c->back;
	s->nconns--;
	c->next = s->dead;
	s->dead = c;
}

void conn_close(struct conn *c)
{
	int syncing = c->state == CONN_SYNCING;

	if (c->state == CONN_GONE)
		return;
	c->state = CONN_GONE;
	(void)close(c->fd);
	c->fd = -1;
	/* What a worker holds is buried when it comes back. */
	if (!syncing)
		bury(c);
}

void conn_free_dead(struct server *s)
{
	while (s->dead != NULL) {
		struct conn *c = s->dead;

		s->dead = c->next;
		free(c);
	}
}

int conn_is_idle(const struct conn *c)
{
	return c->state == CONN_READING && frame_is_fresh(&c->frame) && c->out.len == 0;
}

static void cut(struct conn *c, const char *why)
{
	struct qlog l;

	qlog_begin(&l, "cut");
	qlog_num(&l, "uid", c->account->uid);
	qlog_num(&l, "pid", (uint64_t)c->pid);
	qlog_id(&l, c->id);
	qlog_str(&l, "reason", why);
	qlog_end(&l);
	conn_close(c);
}

/* ---- what we say ---- */

static void watch(struct conn *c, uint32_t events)
{
	if (events == c->watched)
		return;
	if (server_watch(c->server, c->fd, &c->source, c->watched, events) == -1)
		conn_close(c);
	else
		c->watched = events;
}

/* Send what waits. What the socket does not take now goes on at EPOLLOUT, and nothing
 * is read before it is gone. */
static void send_out(struct conn *c)
{
	ssize_t w = send(c->fd, c->out.p, c->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (w == -1 && errno != EAGAIN && errno != EINTR) {
		conn_close(c);
		return;
	}
	if (w > 0) {
		c->out.len -= (size_t)w;
		memmove(c->out.p, c->out.p + w, c->out.len);
	}
	if (c->out.len > 0)
		watch(c, EPOLLOUT);
	else if (c->state == CONN_LAST_WORDS)
		conn_close(c);
	else
		watch(c, EPOLLIN);
}

void conn_withdraw(struct conn *c, int64_t until)
{
	c->deadline = until;
	if (netstr_put(&c->out, "W", 1) == -1)
		conn_close(c);
	else
		send_out(c);
}

static int put_answer(struct conn *c, char letter, const char *text)
{
	char line[LIMIT_TEXT + 2];

	line[0] = letter;
	return netstr_put(&c->out, line,
			  1 + escape_text(line + 1, sizeof line - 1, text, strlen(text)));
}

/* The next submission's id, or why there is none and the end. */
static void offer(struct conn *c)
{
	struct server *s = c->server;
	const char *refusal = server_refusal(s);

	if (refusal == NULL && ids_next(&s->ids, &s->syncer, c->id) == -1)
		refusal = "unable to reserve queue ids";
	if (refusal != NULL)
		c->state = CONN_LAST_WORDS;
	if (put_answer(c, refusal != NULL ? 'Z' : 'I',
		       refusal != NULL ? refusal : c->id) == -1) {
		conn_close(c);
		return;
	}
	send_out(c);
}

static void log_result(const struct conn *c, char letter, const char *text)
{
	const struct draft *d = &c->draft;
	struct qlog l;

	qlog_begin(&l, letter == 'K' ? "queued" : "refuse");
	qlog_id(&l, c->id);
	qlog_num(&l, "uid", c->account->uid);
	qlog_num(&l, "pid", (uint64_t)c->pid);
	if (letter == 'K') {
		qlog_str(&l, "from", d->b.p + d->sender);
		qlog_num(&l, "rcpts", d->nrcpts);
		qlog_num(&l, "bytes", d->msg_len);
		if (d->msgid.len > 0)
			qlog_bytes(&l, "msgid", d->msgid.value, d->msgid.len);
	} else {
		qlog_bytes(&l, "answer", &letter, 1);
		qlog_str(&l, "reason", text);
	}
	qlog_end(&l);
}

static void answer(struct conn *c, char letter, const char *text)
{
	log_result(c, letter, text);
	submission_settle(c, letter == 'K');
	submission_drop(c);
	c->verdict = '\0';
	c->state = CONN_READING;
	if (put_answer(c, letter, text) == -1)
		conn_close(c);
	else
		offer(c);
}

static void answer_verdict(struct conn *c)
{
	char text[LIMIT_TEXT + 1];

	(void)snprintf(text, sizeof text, "%s%s%s", c->why, c->why_errno != 0 ? ": " : "",
		       c->why_errno != 0 ? strerror(c->why_errno) : "");
	answer(c, c->verdict, text);
}

static void set_deadline(struct conn *c)
{
	const struct server *s = c->server;
	int64_t idle = c->account->trusted ? TRUSTED_IDLE_MS : (int64_t)s->opt.idle_ms;

	c->deadline = s->now + idle;
}

/* ---- the end of a submission ---- */

static struct conn *of_commit(struct work *w)
{
	return (struct conn *)((char *)w - offsetof(struct conn, commit));
}

static int commit_run(struct work *w, unsigned thread)
{
	struct conn *c = of_commit(w);

	return draft_commit(&c->draft, c->server->new_dirs[thread]);
}

static void commit_done(struct work *w)
{
	struct conn *c = of_commit(w);

	set_deadline(c);
	if (w->error == 0) {
		c->server->committed = 1;
		c->server->look_at = 0;
	}
	if (c->state == CONN_GONE) {
		if (w->error == 0)
			log_result(c, 'K', c->id);
		submission_settle(c, w->error == 0);
		bury(c);
	} else if (w->error == 0)
		answer(c, 'K', c->id);
	else {
		errno = w->error;
		submission_unwritten(c);
		answer_verdict(c);
	}
}

static void end_message(struct conn *c)
{
	if (c->verdict != '\0') {
		answer_verdict(c);
		return;
	}
	c->state = CONN_SYNCING;
	c->commit = (struct work){.run = commit_run, .done = commit_done};
	syncer_add(&c->server->syncer, &c->commit);
}

static void take(struct conn *c, int event, const char *p, size_t n)
{
	if (event == FRAME_END)
		end_message(c);
	else if (c->verdict != '\0')
		return;
	else if (event == FRAME_ENVELOPE_BYTES)
		submission_envelope(c, p, n);
	else if (event == FRAME_ENVELOPE)
		submission_envelope_end(c);
	else if (event == FRAME_BYTES)
		submission_message(c, p, n);
}

/* A client waits for the offer: bytes behind the end of a message have no meaning. */
static void feed(struct conn *c, const char *p, size_t n)
{
	while (n > 0 && c->state != CONN_GONE) {
		const char *bytes = NULL;
		size_t len = 0;
		int event = frame_next(&c->frame, &p, &n, &bytes, &len);

		if (event == -1) {
			cut(c, errno == EMSGSIZE ? "too-long" : "no-netstring");
			return;
		}
		if (event == FRAME_END && n > 0) {
			cut(c, "early-bytes");
			return;
		}
		take(c, event, bytes, len);
	}
}

/* ---- events ---- */

static void read_some(struct conn *c)
{
	static char buf[LIMIT_CHUNK]; /* the loop's thread is the only one here */
	ssize_t n = recv(c->fd, buf, sizeof buf, MSG_DONTWAIT);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* End of file before the end: nothing was submitted. */
		if (frame_is_fresh(&c->frame))
			conn_close(c);
		else
			cut(c, "client-left");
		return;
	}
	set_deadline(c);
	feed(c, buf, (size_t)n);
}

static void on_event(struct server *s, struct source *source, uint32_t events)
{
	struct conn *c = (struct conn *)source;

	(void)s;
	if (c->state == CONN_GONE)
		return;
	if (c->state == CONN_SYNCING)
		watch(c, 0); /* until the answer is there */
	else if (c->out.len > 0)
		send_out(c);
	else if (events != 0)
		read_some(c);
}

static struct conn *conn_new(struct server *s, int fd, struct account *a, pid_t pid)
{
	struct conn *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->source.ready = on_event;
	c->server = s;
	c->fd = fd;
	c->pid = pid;
	c->account = a;
	frame_init(&c->frame);
	draft_init(&c->draft);
	sbuf_init(&c->out, OUT_MAX);
	c->next = s->conns;
	c->back = &s->conns;
	if (c->next != NULL)
		c->next->back = &c->next;
	s->conns = c;
	s->nconns++;
	set_deadline(c);
	return c;
}

/* A few bytes into an empty socket: they fit, or nobody is there. */
static void refuse(int fd, uid_t uid, const char *why)
{
	char text[LIMIT_TEXT];
	struct qlog l;
	int n = snprintf(text, sizeof text, "1%zu:Z%s,", 1 + strlen(why), why);

	qlog_begin(&l, "refuse");
	qlog_num(&l, "uid", uid);
	qlog_str(&l, "reason", why);
	qlog_end(&l);
	(void)send(fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)close(fd);
}

void conn_open(struct server *s, int fd)
{
	struct account *a;
	struct conn *c;
	uid_t uid;
	pid_t pid;

	if (usock_peer(fd, &uid, &pid) == -1) {
		(void)close(fd);
		return;
	}
	a = quota_enter(&s->quota, uid);
	if (a == NULL) {
		refuse(fd, uid,
		       errno == EDQUOT ? "too many connections" : "out of memory");
		return;
	}
	c = conn_new(s, fd, a, pid);
	if (c == NULL) {
		quota_leave(&s->quota, a);
		refuse(fd, uid, "out of memory");
		return;
	}
	if (sbuf_catc(&c->out, '1') == -1)
		conn_close(c);
	else
		offer(c);
}
