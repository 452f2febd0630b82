/* One message over an open connection: MAIL, RCPT, DATA, the message, the dot. With
 * PIPELINING all commands go out at once (RFC 2920 3.1). */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "body.h"
#include "clock.h"
#include "config.h"
#include "dsnparam.h"
#include "job.h"
#include "limits.h"
#include "outcome.h"
#include "smtp.h"
#include "smtp_int.h"

struct transaction {
	struct smtp *s;
	const struct mail *m;
	struct outcome *o;
	int64_t started;
	size_t n;                    /* recipients that are undecided */
	size_t rcpt[LIMIT_JOBRCPTS]; /* their numbers in the job */
	int later[LIMIT_JOBRCPTS];   /* of these, too many for this one */
	size_t accepted;
};

/* What a step leads to. */
enum next { GO_ON, FINISHED, LOST };

static char letter_of(int code)
{
	return code / 100 == 5 ? 'D' : 'Z';
}

/* All that are left get the server's words. */
static enum next refuse_rest(struct transaction *t, char letter)
{
	(void)smtp_blame(t->s);
	outcome_rest(t->o, letter, "%s", t->s->why);
	return FINISHED;
}

/* Behind MAIL a 4.7.1 is greylisting: about this message alone. */
static void note_policy(struct smtp *s)
{
	s->slow |=
	    reply_is_status(&s->reply, "4.7.") && !reply_is_status(&s->reply, "4.7.1 ");
}

/* ---- the steps: 0 is MAIL, 1..n the recipients, n + 1 DATA ---- */

/* RFC 3461 5.2.1: as they came, to a server that knows them. Whoever submitted the
 * message may not have been asked for their form. */
static const char *mail_dsn(const struct transaction *t, char out[LIMIT_ENVID + 40])
{
	const struct job *j = t->m->job;
	const char *ret = "";
	int has_envid = *j->envid != '\0' && dsn_envid(j->envid) == 0;

	out[0] = '\0';
	if ((t->s->caps & CAP_DSN) == 0)
		return out;
	if (j->flags & JOB_RET_FULL)
		ret = " RET=FULL";
	else if (j->flags & JOB_RET_HDRS)
		ret = " RET=HDRS";
	(void)snprintf(out, LIMIT_ENVID + 40, "%s%s%s", ret, has_envid ? " ENVID=" : "",
		       has_envid ? j->envid : "");
	return out;
}

enum { RCPT_DSN = LIMIT_ORCPT + DSN_NOTIFY_SIZE + 40 };

static const char *rcpt_dsn(const struct transaction *t, size_t i, char out[RCPT_DSN])
{
	const struct job *j = t->m->job;
	const char *orcpt = j->orcpt[t->rcpt[i]];
	int has_orcpt = *orcpt != '\0' && dsn_orcpt(orcpt) == 0;
	char words[DSN_NOTIFY_SIZE];

	out[0] = '\0';
	if ((t->s->caps & CAP_DSN) == 0)
		return out;
	(void)dsn_notify_words(j->notify[t->rcpt[i]], words);
	(void)snprintf(out, RCPT_DSN, "%s%s%s%s", *words != '\0' ? " NOTIFY=" : "", words,
		       has_orcpt ? " ORCPT=" : "", has_orcpt ? orcpt : "");
	return out;
}

/* The server tells of success itself, if it is asked to. */
static int tells(const struct transaction *t, size_t i)
{
	return (t->s->caps & CAP_DSN) != 0 &&
	       (t->m->job->notify[t->rcpt[i]] & NOTIFY_SUCCESS) != 0;
}

static int put_mail(struct transaction *t)
{
	const struct body *b = t->m->body;
	char quoted[2 * LIMIT_ADDRESS + 4] = "";
	char size[40] = "";
	char dsn[LIMIT_ENVID + 40];

	if (*t->m->job->sender != '\0' &&
	    addr_quote(t->m->job->sender, quoted, sizeof quoted) == -1)
		return smtp_lose(t->s, "the sender's address cannot be written");
	if (t->s->caps & CAP_SIZE)
		(void)snprintf(size, sizeof size, " SIZE=%llu",
			       (unsigned long long)b->wire);
	return smtp_put(t->s, "MAIL FROM:<%s>%s%s%s", quoted, size,
			b->eight_bit && (t->s->caps & CAP_8BITMIME) ? " BODY=8BITMIME"
								    : "",
			mail_dsn(t, dsn));
}

static int put_rcpt(struct transaction *t, size_t i)
{
	char quoted[2 * LIMIT_ADDRESS + 4];
	char dsn[RCPT_DSN];

	if (addr_quote(t->m->job->rcpts[t->rcpt[i]], quoted, sizeof quoted) == -1)
		return smtp_lose(t->s, "a recipient's address cannot be written");
	return smtp_put(t->s, "RCPT TO:<%s>%s", quoted, rcpt_dsn(t, i, dsn));
}

static int put_step(struct transaction *t, size_t step)
{
	if (step == 0)
		return put_mail(t);
	return step <= t->n ? put_rcpt(t, step - 1) : smtp_put(t->s, "DATA");
}

/* MAIL refused for now is this host's trouble: another one may take it. */
static enum next take_mail(struct transaction *t)
{
	if (smtp_take(t->s, "MAIL", WAIT_MAIL) == -1)
		return LOST;
	if (t->s->reply.code / 100 == 2)
		return GO_ON;
	if (t->s->reply.code / 100 == 5)
		return refuse_rest(t, 'D');
	(void)smtp_refuse(t->s);
	return LOST;
}

/* RFC 5321 4.5.3.1.10: "too many" is 452, or 552 from old servers; with another status
 * than X.5.3 they mean a mailbox that is full. */
static int is_too_many(const struct transaction *t)
{
	const struct reply *r = &t->s->reply;

	return t->accepted > 0 && (r->code == 452 || r->code == 552) &&
	       (reply_is_status(r, "4.5.3") || reply_is_status(r, "5.5.3") ||
		(!reply_is_status(r, "4.") && !reply_is_status(r, "5.")));
}

/* 552 is permanent only where it says that it is about the mailbox. */
static char rcpt_letter(const struct reply *r)
{
	return r->code == 552 && !reply_is_status(r, "5.2.") ? 'Z' : letter_of(r->code);
}

static enum next take_rcpt(struct transaction *t, size_t i)
{
	int code;

	if (smtp_take(t->s, "RCPT", WAIT_RCPT) == -1)
		return LOST;
	code = t->s->reply.code;
	if (code / 100 == 2) {
		t->accepted++;
	} else if (is_too_many(t)) {
		t->later[i] = 1;
	} else {
		(void)smtp_blame(t->s);
		outcome_set(t->o, t->rcpt[i], rcpt_letter(&t->s->reply), "%s", t->s->why);
	}
	return i + 1 == t->n && t->accepted == 0 ? FINISHED : GO_ON;
}

static enum next take_data(struct transaction *t)
{
	if (smtp_take(t->s, "DATA", WAIT_DATA) == -1)
		return LOST;
	if (t->s->reply.code == 354)
		return GO_ON;
	note_policy(t->s);
	return refuse_rest(t, letter_of(t->s->reply.code));
}

static enum next take_step(struct transaction *t, size_t step)
{
	if (step == 0)
		return take_mail(t);
	return step <= t->n ? take_rcpt(t, step - 1) : take_data(t);
}

static enum next commands(struct transaction *t)
{
	int together = t->s->caps & CAP_PIPELINING;
	size_t steps = t->n + 2;
	enum next next = GO_ON;

	if (together && smtp_begin(t->s) == -1)
		return LOST;
	for (size_t i = 0; together && i < steps; i++)
		if (put_step(t, i) == -1)
			return LOST;
	for (size_t i = 0; next == GO_ON && i < steps; i++) {
		if (!together && (smtp_begin(t->s) == -1 || put_step(t, i) == -1))
			return LOST;
		if (smtp_flush(t->s) == -1)
			return LOST;
		next = take_step(t, i);
		/* It may be waiting for a message now: QUIT would begin one. */
		t->s->lost |= together && next != GO_ON;
	}
	return next;
}

/* ---- the message ---- */

/* The server answered before it had all, or hung up; only a refusal counts. */
static void take_early(struct transaction *t)
{
	t->s->lost = 1;
	if (smtp_take(t->s, "the message", WAIT_DATA) == -1)
		outcome_rest(t->o, 'Z', "%s", t->s->why);
	else if (t->s->reply.code / 100 >= 4)
		(void)refuse_rest(t, letter_of(t->s->reply.code));
	else {
		(void)smtp_lose(t->s, "answered before the end of the message");
		outcome_rest(t->o, 'Z', "%s", t->s->why);
	}
}

static void take_final(struct transaction *t)
{
	struct smtp *s = t->s;
	char text[LIMIT_TEXT + 1];
	char tls[SMTP_TLS];

	if (smtp_take(s, "the end of the message", WAIT_DOT) == -1) {
		outcome_rest(t->o, 'Z', "%s", s->why);
		return;
	}
	if (s->reply.code / 100 != 2) {
		note_policy(s);
		(void)refuse_rest(t, letter_of(s->reply.code));
		return;
	}
	reply_text(&s->reply, text);
	smtp_tls_words(s, tls);
	for (size_t i = 0; i < t->n; i++)
		outcome_set(t->o, t->rcpt[i], tells(t, i) ? 'R' : 'K',
			    "%s [%s]:%u accepted: %.200s (TLS=%s, %lld ms)", s->peer.host,
			    s->peer.ip, (unsigned)s->peer.port, text, tls,
			    (long long)(clock_mono_ms() - t->started));
	s->dirty = 0;
	s->sent++;
}

static void give_up_body(struct transaction *t, enum body_result r)
{
	int e = errno;

	if (r == BODY_PEER && rbuf_is_talking(&t->s->in, clock_mono_ms() + 1000)) {
		take_early(t);
		return;
	}
	t->s->lost = 1;
	if (r == BODY_CORRUPT)
		outcome_rest(t->o, 'B', "the queue file is corrupt");
	else if (r == BODY_DISK)
		outcome_rest(t->o, 'Z', "unable to read the queue file: %s (#4.3.0)",
			     strerror(e));
	else
		outcome_rest(t->o, 'Z', "%s: connection lost in the message: %s (#4.4.2)",
			     t->s->name, strerror(e));
}

static int is_abandoned(const struct mail *m)
{
	struct pollfd p = {m->guard, POLLIN, 0};

	return m->guard != -1 && poll(&p, 1, 0) == 1 && (p.revents & POLLHUP) != 0;
}

/* Those that were too many are not of this transaction. */
static void leave_out_later(struct transaction *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (!t->later[i])
			t->rcpt[n++] = t->rcpt[i];
	t->n = n;
}

/* The final dot is the promise: all checks stand before it. */
static void message(struct transaction *t)
{
	struct smtp *s = t->s;
	struct body *b = t->m->body;
	int64_t block =
	    s->cfg->timeout_remote < WAIT_BLOCK ? s->cfg->timeout_remote : WAIT_BLOCK;
	enum body_result r;

	s->deadline = clock_mono_ms() + DATA_TIME + (int64_t)(b->wire / DATA_RATE) * 1000;
	r = body_send(b, &s->out, block, s->deadline);
	if (r != BODY_OK) {
		give_up_body(t, r);
	} else if (is_abandoned(t->m)) {
		(void)smtp_lose(s, "stopped before the end of the message");
		outcome_rest(t->o, 'Z', "%s", s->why);
	} else if (rbuf_is_talking(&s->in, 0)) {
		take_early(t);
	} else if (smtp_put(s, ".") == -1 || smtp_flush(s) == -1) {
		outcome_rest(t->o, 'Z', "%s", s->why);
	} else {
		s->deadline = CLOCK_NEVER; /* WAIT_DOT bounds what is left */
		take_final(t);
	}
}

static void send_once(struct smtp *s, const struct mail *m, struct outcome *o)
{
	struct transaction t = {.s = s, .m = m, .o = o, .started = clock_mono_ms()};

	for (size_t i = 0; i < o->count; i++)
		if (o->letter[i] == 0)
			t.rcpt[t.n++] = i;
	s->dirty = 1;
	s->deadline = m->deadline;
	if (commands(&t) == GO_ON) {
		leave_out_later(&t);
		message(&t);
	}
}

/* Each transaction but the last decides somebody. */
void smtp_send(struct smtp *s, const struct mail *m, struct outcome *o)
{
	do
		send_once(s, m, o);
	while (o->decided < o->count && !s->lost && !s->dirty);
}
