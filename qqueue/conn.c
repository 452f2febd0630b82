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
#include "prog.h"
#include "qlog.h"
#include "usock.h"

enum { OUT_MAX = 2048, TRUSTED_IDLE_MS = 3600 * 1000 };

/* ---- the end of a connection ---- */

static void give_back(struct conn *c)
{
	c->account->use.bytes -= c->use.bytes;
	c->account->use.envelopes -= c->use.envelopes;
	c->use = (struct quota_use){0};
}

static void settle(struct conn *c, int sent)
{
	if (c->counted != NULL)
		sending_settle(c->counted, c->draft.nrcpts, sent);
	c->counted = NULL;
}

static void drop_draft(struct conn *c)
{
	settle(c, 0);
	if (c->drafting)
		draft_drop(&c->draft);
	c->drafting = 0;
	give_back(c);
}

static void bury(struct conn *c)
{
	struct server *s = c->server;

	drop_draft(c);
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
	settle(c, letter == 'K');
	drop_draft(c);
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

/* ---- a submission ---- */

/* It has failed: nothing of it is kept, the answer waits for its end. */
static void fail(struct conn *c, char verdict, const char *why, int e)
{
	drop_draft(c);
	c->verdict = verdict;
	c->why = why;
	c->why_errno = e;
}

static void fail_write(struct conn *c)
{
	if (errno == EMSGSIZE)
		fail(c, 'D', "the message is too large", 0);
	else
		fail(c, 'Z', "unable to write to the queue", errno);
}

static int count(struct conn *c, size_t n, int in_envelope)
{
	const struct quota *q = &c->server->quota;

	if (quota_bytes(q, c->account, n) == -1) {
		fail(c, 'Z', "too many bytes of this user under way", 0);
		return -1;
	}
	c->use.bytes += n;
	if (!in_envelope)
		return 0;
	if (quota_envelope(q, c->account, n) == -1) {
		fail(c, 'Z', "too many envelopes of this user under way", 0);
		return -1;
	}
	c->use.envelopes += n;
	return 0;
}

static int begin(struct conn *c)
{
	if (c->drafting)
		return 0;
	c->drafting = 1;
	if (draft_begin(&c->draft, c->id, c->server->tmp_dir, c->account->uid) == 0)
		return 0;
	fail_write(c);
	return -1;
}

static void take_envelope(struct conn *c, const char *p, size_t n)
{
	if (begin(c) == -1 || count(c, n, 1) == -1 ||
	    draft_envelope(&c->draft, p, n) == 0)
		return;
	if (errno == EMSGSIZE)
		fail(c, 'D', "the envelope is too large", 0);
	else
		fail_write(c);
}

static void alarm_of_login(const struct conn *c, const char *login,
			   const struct amount *used)
{
	struct qlog l;

	qlog_begin(&l, "alarm");
	qlog_id(&l, c->id);
	qlog_str(&l, "login", login);
	qlog_num(&l, "messages", used->messages);
	qlog_num(&l, "rcpts", used->rcpts);
	qlog_str(&l, "reason", "over the limit of an hour");
	qlog_end(&l);
}

/* control/userlimit */
static void count_login(struct conn *c)
{
	const char *login = c->draft.b.p + c->draft.login;
	struct amount used;
	int r;

	if (c->draft.login == 0)
		return;
	r = sending_count(&c->server->sending, login, c->draft.nrcpts, c->server->now,
			  &c->counted, &used);
	if (r == SENDING_ALARM)
		alarm_of_login(c, login, &used);
	if (r == -1)
		fail(c, 'Z', "unable to count what this login sends", errno);
	else if (r != SENDING_OK)
		fail(c, 'Z', "this login has sent too much in an hour", 0);
}

static void end_envelope(struct conn *c)
{
	if (begin(c) == -1)
		return;
	if (draft_envelope_end(&c->draft, c->account->trusted) == 0) {
		count_login(c);
		return;
	}
	if (errno == E2BIG)
		fail(c, 'D', "too many recipients", 0);
	else if (errno == EPERM)
		fail(c, 'D', "this user may not claim a client or login", 0);
	else
		fail(c, 'Z', "the envelope is not understood", 0);
}

static void take_message(struct conn *c, const char *p, size_t n)
{
	if (count(c, n, 0) == -1)
		return;
	if (draft_add(&c->draft, p, n) == -1) {
		fail_write(c);
		return;
	}
	/* Each time that something went to the disk. */
	if (c->draft.b.len == c->draft.front) {
		const char *shortage = server_shortage(c->server);

		if (shortage != NULL)
			fail(c, 'Z', shortage, 0);
	}
}

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
	if (w->error == 0)
		c->server->committed = 1;
	if (c->state == CONN_GONE) {
		if (w->error == 0)
			log_result(c, 'K', c->id);
		settle(c, w->error == 0);
		bury(c);
	} else if (w->error == 0)
		answer(c, 'K', c->id);
	else {
		errno = w->error;
		fail_write(c);
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
		take_envelope(c, p, n);
	else if (event == FRAME_ENVELOPE)
		end_envelope(c);
	else if (event == FRAME_BYTES)
		take_message(c, p, n);
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
