#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "logout.h"
#include "qlog.h"

static int qmail;
struct log_counts log_counts;

void log_style(int q)
{
	qmail = q;
}

/* ---- qmail-send's lines ---- */

/* As its readers expect: no space, no percent sign, nothing but ASCII. */
static void safe(char *out, size_t size, const char *s)
{
	size_t n = 0;

	for (; *s != '\0' && n + 1 < size; s++)
		out[n++] = *s == '\n' ? '/' : *s < 33 || *s > 126 || *s == '%' ? '_' : *s;
	out[n] = '\0';
}

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	char line[LIMIT_LOGLINE];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof line)
		n = (int)sizeof line - 1;
	line[n - 1] = '\n';
	logout_line(line, (size_t)n);
}

static unsigned long long number_of(const struct msg *m)
{
	return m->key.ns;
}

void log_status(const struct sched *q)
{
	const struct channel *l = &q->ch[ROUTE_LOCAL];
	const struct channel *r = &q->ch[ROUTE_REMOTE];

	if (qmail)
		say("status: local %u/%u remote %u/%u%s\n", l->running, l->limit,
		    r->running, r->limit, q->stopping ? " exitasap" : "");
}

static const char *word(char letter)
{
	return strchr("KRX", letter) != NULL ? "success"
	       : letter == 'D'               ? "failure"
					     : "deferral";
}

/* ---- either form ---- */

void log_begin(const struct sched *q)
{
	struct qlog l;

	log_counts.started = q->now.wall;
	for (int i = 0; i < CHANNELS; i++)
		log_counts.ch[i].last = q->now.mono;
	if (qmail) /* qmail-send says nothing */
		return;
	qlog_begin(&l, "begin");
	qlog_num(&l, "messages", q->messages);
	qlog_end(&l);
}

void log_new(const struct msg *m)
{
	struct qlog l;
	char from[LIMIT_ADDRESS + 1];

	log_counts.accepted++;
	log_counts.bytes += m->head.msg_len;
	if (qmail) {
		safe(from, sizeof from, m->env.sender);
		say("new msg %llu\n", number_of(m));
		say("info msg %llu: bytes %llu from <%s> qp %lu uid %s\n", number_of(m),
		    (unsigned long long)m->head.msg_len, from,
		    (unsigned long)m->key.random, m->env.uid);
		return;
	}
	qlog_begin(&l, "new");
	qlog_id(&l, m->id);
	qlog_num(&l, "bytes", m->head.msg_len);
	qlog_str(&l, "from", m->env.sender);
	qlog_str(&l, "uid", m->env.uid);
	qlog_num(&l, "rcpts", m->env.nrcpts);
	if (m->env.client != NULL)
		qlog_str(&l, "client", m->env.client);
	if (m->env.login != NULL)
		qlog_str(&l, "login", m->env.login);
	qlog_end(&l);
}

void log_start(const struct sched *q, const struct channel *c, const struct msg *m,
	       uint32_t rcpt, uint64_t number)
{
	struct qlog l;
	char to[LIMIT_ADDRESS + 1];

	log_counts.ch[c->kind].last = q->now.mono;
	if (qmail) {
		safe(to, sizeof to, msg_rcpt(m, rcpt));
		say("starting delivery %llu: msg %llu to %s %s\n",
		    (unsigned long long)number, number_of(m), c->name, to);
		log_status(q);
		return;
	}
	qlog_begin(&l, "start");
	qlog_num(&l, "delivery", number);
	qlog_id(&l, m->id);
	qlog_num(&l, "rcpt", rcpt);
	qlog_str(&l, "channel", c->name);
	qlog_str(&l, "to", msg_rcpt(m, rcpt));
	qlog_end(&l);
}

static void count_delivery(const struct sched *q, const struct channel *c, char letter)
{
	log_counts.ch[c->kind].last = q->now.mono;
	if (letter == 'D')
		log_counts.ch[c->kind].failed++;
	else if (letter == 'Z')
		log_counts.ch[c->kind].deferred++;
	else if (letter != 'B')
		log_counts.ch[c->kind].delivered++;
}

void log_delivery(const struct sched *q, const struct channel *c, const struct msg *m,
		  uint32_t rcpt, const struct delivery *d, char letter, const char *text)
{
	struct qlog l;
	char clean[LIMIT_TEXT + 1];
	char result[2] = {letter, '\0'};

	if (letter == 'X') /* forwarded: that is qlocal's and our affair */
		*result = 'K';

	count_delivery(q, c, letter);
	if (qmail) {
		safe(clean, sizeof clean, text);
		say("delivery %llu: %s: %s/\n", (unsigned long long)d->number,
		    word(letter), clean);
		return;
	}
	qlog_begin(&l, "delivery");
	qlog_num(&l, "delivery", d->number);
	qlog_id(&l, m->id);
	qlog_num(&l, "rcpt", rcpt);
	qlog_str(&l, "channel", c->name);
	qlog_str(&l, "to", msg_rcpt(m, rcpt));
	qlog_str(&l, "result", result);
	qlog_num(&l, "ms", (uint64_t)(q->now.mono_ms - d->start));
	qlog_str(&l, "text", text);
	qlog_end(&l);
}

void log_bounce(const struct msg *m, const char *as)
{
	struct qlog l;
	uint64_t ns;
	uint32_t random = 0;

	log_counts.notifications++;
	if (qmail) {
		(void)qid_split(as, &ns, &random);
		say("bounce msg %llu qp %lu\n", number_of(m), (unsigned long)random);
		return;
	}
	qlog_begin(&l, "bounce");
	qlog_id(&l, m->id);
	qlog_str(&l, "as", as);
	qlog_end(&l);
}

void log_warn(const char *id, const char *as)
{
	struct qlog l;
	uint64_t ns;
	uint32_t random = 0;

	if (qmail) {
		(void)qid_split(id, &ns, &random);
		say("delay notice msg %llu\n", (unsigned long long)ns);
		return;
	}
	qlog_begin(&l, "warn");
	qlog_id(&l, id);
	qlog_str(&l, "as", as);
	qlog_end(&l);
}

void log_discard(const struct msg *m)
{
	struct qlog l;

	if (qmail) {
		say("triple bounce: discarding bounce/%llu\n", number_of(m));
		return;
	}
	qlog_begin(&l, "discard");
	qlog_id(&l, m->id);
	qlog_end(&l);
}

void log_bad(const char *id, const char *why)
{
	struct qlog l;

	log_counts.bad++;
	qlog_begin(&l, "bad");
	qlog_id(&l, id);
	qlog_str(&l, "reason", why);
	qlog_end(&l);
}

void log_gone(const char *id)
{
	struct qlog l;

	qlog_begin(&l, "gone");
	qlog_id(&l, id);
	qlog_end(&l);
}

void log_end(const struct sched *q, const struct msg *m)
{
	struct qlog l;

	log_counts.ended++;
	if (qmail) {
		say("end msg %llu\n", number_of(m));
		return;
	}
	qlog_begin(&l, "end");
	qlog_id(&l, m->id);
	qlog_num(&l, "seconds", retry_age(m->birth, &q->now));
	qlog_end(&l);
}
