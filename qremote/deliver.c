#include "deliver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "body.h"
#include "clock.h"
#include "control.h"
#include "job.h"
#include "limits.h"
#include "outcome.h"
#include "prog.h"
#include "qlog.h"

/* How the hosts that did not take the message failed, for the last text. */
struct trouble {
	unsigned hosts;
	unsigned permanent; /* said 5xx before MAIL */
	unsigned no_route;
	size_t len;
	char text[LIMIT_TEXT + 1];
};

static void note(struct trouble *t, const struct smtp *s)
{
	int n = snprintf(t->text + t->len, sizeof t->text - t->len, "%s%s",
			 t->hosts > 0 ? "; " : "", s->why);

	t->len +=
	    (size_t)n < sizeof t->text - t->len ? (size_t)n : sizeof t->text - t->len - 1;
	t->hosts++;
	t->permanent += s->why_code / 100 == 5;
	t->no_route += s->no_route != 0;
}

/* One line for each host that was spoken to, or not. */
static void log_try(const struct remote *r, const struct job *j, const struct outcome *o,
		    size_t before, int64_t started)
{
	const struct target *t = &r->smtp.peer;
	struct qlog l;

	qlog_begin(&l, "deliver");
	qlog_id(&l, j->id);
	qlog_str(&l, "host", t->host);
	qlog_str(&l, "ip", t->ip);
	qlog_num(&l, "port", t->port);
	qlog_str(&l, "tls", "none");
	qlog_num(&l, "decided", o->decided - before);
	qlog_num(&l, "of", o->count);
	if (o->decided < o->count)
		qlog_str(&l, "reason", r->smtp.why);
	else
		qlog_num(&l, "code", (uint64_t)r->smtp.reply.code);
	qlog_num(&l, "ms", (uint64_t)(clock_mono_ms() - started));
	qlog_end(&l);
}

/* ---- before a host is asked ---- */

static int is_ascii(const char *s)
{
	while (*s != '\0')
		if ((unsigned char)*s++ > 127)
			return 0;
	return 1;
}

/* RFC 6531 3.2: such an address may only go to a server that offers SMTPUTF8; we do not
 * speak it. */
static void refuse_utf8(const struct job *j, struct outcome *o)
{
	if (!is_ascii(j->sender))
		outcome_rest(o, 'D', "the sender's address needs SMTPUTF8 (#5.6.7)");
	for (size_t i = 0; i < o->count; i++)
		if (!is_ascii(j->rcpts[i]))
			outcome_set(o, i, 'D', "the address needs SMTPUTF8 (#5.6.7)");
}

static void look_at_body(struct body *b, struct outcome *o)
{
	switch (body_scan(b)) {
	case BODY_OK:
		if (b->bare_cr)
			outcome_rest(o, 'D',
				     "the message has a CR without LF, which SMTP cannot "
				     "carry (#5.6.0)");
		break;
	case BODY_CORRUPT:
		outcome_rest(o, 'B', "the queue file is corrupt");
		break;
	default:
		outcome_rest(o, 'Z', "unable to read the queue file: %s (#4.3.0)",
			     strerror(errno));
	}
}

/* The first job says whom this process serves. */
static void check_destination(struct remote *r, const struct job *j, struct outcome *o)
{
	char name[DESTINATION_SIZE];

	if (destination_of(j, name) == -1) {
		outcome_rest(o, 'D', "the recipients have no domain in common (#5.1.3)");
		return;
	}
	if (r->destination[0] == '\0')
		memcpy(r->destination, name, sizeof name);
	if (strcmp(r->destination, name) == 0)
		return;
	bug_msg("a job for %s came to the process for %s", name, r->destination);
	outcome_rest(o, 'Z', "internal error: wrong destination (#4.3.0)");
}

/* ---- hosts ---- */

static int is_done(const struct outcome *o)
{
	return o->decided == o->count;
}

/* Is domain in a list of domains, of which `*` is each? */
static int is_listed(const struct control_item *i, const char *domain)
{
	for (; i != NULL && i->text != NULL; i++)
		if (domain_equal(i->text, domain) || strcmp(i->text, "*") == 0)
			return 1;
	return 0;
}

static unsigned dest_flags(const struct config *c, const char *domain)
{
	return (is_listed(c->mxfallback, domain) ? DEST_FALLBACK : 0U) |
	       (is_listed(c->ipv4first, domain) ? DEST_IPV4_FIRST : 0U);
}

static void drop_unless_reusable(struct remote *r)
{
	if (!smtp_is_reusable(&r->smtp))
		smtp_close(&r->smtp);
}

/* The connection kept from the last job. A server may have had enough of it: that is no
 * trouble worth telling. */
static void try_kept(struct remote *r, const struct mail *m, struct outcome *o)
{
	int64_t started = clock_mono_ms();
	size_t before = o->decided;

	drop_unless_reusable(r);
	if (r->smtp.fd == -1)
		return;
	smtp_send(&r->smtp, m, o);
	log_try(r, m->job, o, before, started);
	drop_unless_reusable(r);
}

static void try_target(struct remote *r, const struct target *t, const struct mail *m,
		       struct outcome *o, struct trouble *trouble)
{
	int64_t started = clock_mono_ms();
	size_t before = o->decided;

	if (smtp_open(&r->smtp, t, m->deadline) == 0)
		smtp_send(&r->smtp, m, o);
	if (!is_done(o))
		note(trouble, &r->smtp);
	log_try(r, m->job, o, before, started);
	drop_unless_reusable(r);
}

/* D after 5xx from each of the hosts, when there are no others. */
static void give_up(const struct remote *r, const struct trouble *t, struct outcome *o)
{
	int all = t->hosts < TRIES_MAX && !r->dest.later;

	if (t->no_route == t->hosts)
		outcome_rest(o, 'Z', "no way to the network (#4.4.4): %s", t->text);
	else
		outcome_rest(o, all && t->permanent == t->hosts ? 'D' : 'Z', "%s",
			     t->text);
}

static void try_hosts(struct remote *r, const struct mail *m, struct outcome *o)
{
	const char *domain = addr_domain(m->job->rcpts[0]);
	struct trouble trouble = {0};
	struct target t;

	if (domain == NULL)
		domain = "";
	dest_open(&r->dest, &r->dns, &r->self, domain, m->job->route,
		  dest_flags(&r->config, domain));
	while (!is_done(o) && trouble.hosts < TRIES_MAX &&
	       clock_left_ms(m->deadline) > 0 && dest_next(&r->dest, &t))
		try_target(r, &t, m, o, &trouble);
	if (trouble.hosts == 0)
		outcome_rest(o, r->dest.letter, "%s", r->dest.text);
	else
		give_up(r, &trouble, o);
}

void deliver(struct remote *r, const struct job *j, int fd, int guard, struct outcome *o)
{
	static struct body body;
	struct mail m = {.job = j,
			 .body = &body,
			 .deadline = clock_mono_ms() + ATTEMPT_TIME,
			 .guard = guard};

	outcome_begin(o, j->nrcpts);
	check_destination(r, j, o);
	refuse_utf8(j, o);
	body_init(&body, fd, j->msg_offset, j->msg_len, j->msg_sum);
	if (!is_done(o))
		look_at_body(&body, o);
	if (!is_done(o))
		try_kept(r, &m, o);
	if (!is_done(o))
		try_hosts(r, &m, o);
}

void remote_begin(struct remote *r)
{
	smtp_init(&r->smtp, &r->config);
}

void remote_end(struct remote *r)
{
	smtp_close(&r->smtp);
}
