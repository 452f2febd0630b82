/* DATA (RFC 5321 4.1.1.4): the envelope and our trace field go to qqueue with the first
 * bytes of the message, then the rest as it comes. What is refused is read to its end,
 * within limits, so that the client hears why.
 */
#include <errno.h>
#include <string.h>

#include "ask.h"
#include "clock.h"
#include "complete.h"
#include "data.h"
#include "fdio.h"
#include "prog.h"
#include "qlog.h"
#include "received.h"
#include "senders.h"
#include "session.h"

enum {
	QUEUE_MS = 60000,      /* for qqueue to take some bytes */
	COMMIT_MS = 300000,    /* for its two syncs, on a busy disk */
	RATE = 256,            /* bytes a second, over the whole message */
	DRAIN_BYTES = 64 << 20 /* of a message that is too big already */
};

struct transfer {
	struct session *s;
	struct data d;
	int begun; /* at the first bytes */
	int lost;  /* qqueue takes no more */
	struct complete complete;
	char author[LIMIT_ADDRESS + 1]; /* if there is no From */
};

/* qqueue may have been restarted since MAIL: then there is a new id. */
static int send_envelope(struct session *s)
{
	if (submit_envelope(&s->queue, s->env.p, s->env.len) == 0)
		return 0;
	if (ask_queue_again(s) == -1)
		return -1;
	submit_deadline(&s->queue, clock_mono_ms() + QUEUE_MS);
	return submit_envelope(&s->queue, s->env.p, s->env.len);
}

/* RFC 3848: S for TLS, A for a login. */
static const char *protocol(const struct session *s)
{
	static const char *const words[] = {"ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"};

	if (s->greeted != EHLO)
		return "SMTP";
	return words[(s->tls.on ? 1 : 0) + (s->login[0] != '\0' ? 2 : 0)];
}

static int send_received(struct session *s)
{
	struct sbuf *b = &s->trace;
	struct received r = {
	    .helo = s->helo,
	    .host = s->peer.host,
	    .ip = s->peer.ip,
	    .by = s->cfg.host,
	    .with = protocol(s),
	    .tls = s->tls.on ? s->tls.version : NULL,
	    .cipher = s->tls.cipher,
	    .hidden = s->cfg.hide_client,
	    .id = s->queue.id,
	    .rcpt = s->nrcpts == 1 ? s->first_rcpt : NULL,
	    .when = (time_t)(clock_wall_ns() / 1000000000),
	};

	sbuf_clear(b);
	return received_make(b, &r) == -1 ? -1 : submit_data(&s->queue, b->p, b->len);
}

static void lose(struct transfer *t)
{
	warn_sys("send to qqueue");
	t->lost = 1;
}

static int is_too_big(const struct transfer *t)
{
	return t->d.bytes > t->s->cfg.databytes;
}

/* Bytes of the message; what cannot be accepted any more is not passed on. */
static void pass(void *arg, const char *p, size_t n)
{
	struct transfer *t = arg;

	if (!t->lost && !is_too_big(t) && submit_data(&t->s->queue, p, n) == -1)
		lose(t);
}

static void complete(void *arg, const char *p, size_t n)
{
	struct transfer *t = arg;

	complete_add(&t->complete, p, n);
}

/* On submission the header passes through complete.c. */
static void begin_data(struct transfer *t)
{
	const struct session *s = t->s;

	data_init(&t->d, s->cfg.submission ? complete : pass, t);
	if (!s->cfg.submission)
		return;
	if (s->sender[0] != '\0')
		memcpy(t->author, s->sender, strlen(s->sender) + 1);
	else if (s->login[0] != '\0')
		senders_own(&s->cfg, s->login, t->author);
	t->complete = (struct complete){.sink = pass,
					.arg = t,
					.id = s->queue.id,
					.idhost = s->cfg.idhost,
					.from = t->author,
					.when = (time_t)(clock_wall_ns() / 1000000000)};
	complete_init(&t->complete);
}

/* A piece of the message: most are whole, and then all of it goes to qqueue at once. Where
 * more is to come qqueue must know that something has begun. */
static enum data_result take(struct transfer *t, const char *p, size_t n, size_t *used)
{
	struct session *s = t->s;
	int first = !t->begun;
	enum data_result r;

	submit_deadline(&s->queue, clock_mono_ms() + QUEUE_MS);
	t->begun = 1;
	if (first && (send_envelope(s) == -1 || send_received(s) == -1))
		lose(t);
	r = data_decode(&t->d, p, n, used);
	if (first && r == DATA_MORE && !t->lost && submit_push(&s->queue) == -1)
		lose(t);
	return r;
}

static void end_data(struct transfer *t)
{
	if (!t->s->cfg.submission)
		return;
	submit_deadline(&t->s->queue, clock_mono_ms() + QUEUE_MS);
	complete_end(&t->complete);
}

/* Idle time, a minimum rate that no single byte now and then can keep up, and for the
 * largest messages an end. */
static int64_t deadline(const struct transfer *t, int64_t start)
{
	int64_t idle = clock_mono_ms() + t->s->cfg.timeout_ms;
	int64_t slowest =
	    start + t->s->cfg.timeout_ms + (int64_t)(t->d.bytes * 1000 / RATE);

	return clock_sooner(idle, clock_sooner(slowest, start + LIMIT_SESSION_MS));
}

static void interrupted(struct session *s, int got)
{
	if (got == -1 && errno == ETIMEDOUT) {
		session_log_refusal(s, "the message comes too slowly", NULL);
		reply_last(s, SAY_TOO_SLOW);
	} else {
		s->over = OVER;
	}
}

/* To the final dot: 0, or -1 when the session is over. */
static int receive(struct transfer *t)
{
	struct session *s = t->s;
	int64_t start = clock_mono_ms();
	enum data_result r = DATA_MORE;

	begin_data(t);
	reply(s, SAY_GO_AHEAD);
	while (r == DATA_MORE) {
		const char *p;
		size_t n;
		int got;

		s->in.deadline = deadline(t, start);
		got = rbuf_some(&s->in, &p, &n);
		if (got != 1) {
			interrupted(s, got);
			return -1;
		}
		r = take(t, p, n, &n);
		rbuf_take(&s->in, n);
		if (r == DATA_MORE && t->d.bytes > s->cfg.databytes + DRAIN_BYTES) {
			reply_last(s, SAY_TOO_BIG);
			return -1;
		}
	}
	if (r == DATA_END) {
		end_data(t);
		return 0;
	}
	session_log_refusal(s, "bare CR or LF in a message", NULL);
	reply_last(s, SAY_BAD_LINE);
	return -1;
}

static enum reply verdict(const struct transfer *t)
{
	if (is_too_big(t))
		return SAY_TOO_BIG;
	if (t->d.header_bytes > LIMIT_HEADER_BYTES)
		return SAY_HEADER_TOO_BIG;
	if (t->d.hops > LIMIT_HOPS)
		return SAY_LOOP;
	if (t->d.has_nul)
		return SAY_NUL_IN_MESSAGE;
	return t->lost ? SAY_QUEUE_LOST : SAY_OK;
}

static void log_accepted(const struct transfer *t, const char *id)
{
	const struct session *s = t->s;
	struct qlog l;

	qlog_begin(&l, "accept");
	qlog_id(&l, id);
	qlog_str(&l, "client", s->peer.ip);
	qlog_str(&l, "helo", s->helo);
	qlog_str(&l, "from", s->sender);
	qlog_num(&l, "rcpts", s->nrcpts);
	qlog_num(&l, "bytes", t->d.bytes);
	if (s->login[0] != '\0')
		qlog_str(&l, "login", s->login);
	if (s->tls.key[0] != '\0')
		qlog_str(&l, "key", s->tls.key);
	if (s->tls.on) {
		qlog_str(&l, "tls", s->tls.version);
		qlog_str(&l, "cipher", s->tls.cipher);
	}
	qlog_end(&l);
}

static void commit(struct transfer *t)
{
	struct session *s = t->s;
	char id[QID_LEN + 1];
	char answer;

	memcpy(id, s->queue.id, sizeof id);
	submit_deadline(&s->queue, clock_mono_ms() + COMMIT_MS);
	if (submit_commit(&s->queue, &answer) == -1) {
		warn_sys("hear from qqueue");
		ask_queue_close(s);
		reply(s, SAY_QUEUE_LOST);
		return;
	}
	if (answer != 'K') {
		session_log_refusal(s, s->queue.text, NULL);
		reply_with(s, answer == 'D' ? SAY_QUEUE_NEVER : SAY_QUEUE_LATER,
			   s->queue.text);
		return;
	}
	log_accepted(t, id);
	s->errors = s->junk = s->full = 0;
	reply_with(s, SAY_QUEUED, id);
}

static void transfer(struct session *s)
{
	struct transfer t = {.s = s};
	enum reply r;

	if (receive(&t) == -1) {
		ask_queue_close(s);
		return;
	}
	r = verdict(&t);
	if (r == SAY_OK) {
		commit(&t);
		return;
	}
	ask_queue_close(s);
	session_log_refusal(s, "message", NULL);
	reply(s, r);
}

void cmd_data(struct session *s, char *arg)
{
	if (arg[0] != '\0')
		reply(s, SAY_BAD_ARGUMENT);
	else if (!s->has_sender)
		reply(s, SAY_MAIL_FIRST);
	else if (s->nrcpts == 0)
		reply(s, SAY_NO_RCPT);
	else {
		transfer(s);
		session_reset(s);
	}
}
