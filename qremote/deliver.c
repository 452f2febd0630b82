#include "deliver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

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
	unsigned greeted; /* of all hosts, also of those that took it */
	unsigned skipped; /* addresses that did not answer lately */
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

static void log_reply(struct qlog *l, const struct reply *reply)
{
	char text[LIMIT_TEXT + 1];

	reply_text(reply, text);
	qlog_num(l, "code", (uint64_t)reply->code);
	qlog_str(l, "reply", text);
}

static void log_tls(struct qlog *l, const struct smtp *s)
{
	qlog_str(l, "tls", s->tls ? s->facts.version : "none");
	if (s->tls) {
		qlog_str(l, "cipher", s->facts.cipher);
		qlog_str(l, "verified", s->verified);
	}
	if (s->tls_why[0] != '\0')
		qlog_str(l, "tlswhy", s->tls_why);
	if (s->login[0] != '\0')
		qlog_str(l, "login", s->login);
}

/* As it was when a host's turn came. */
struct before {
	int64_t time;
	size_t decided, failed;
};

static struct before begin_try(const struct outcome *o)
{
	return (struct before){clock_mono_ms(), o->decided, o->failed};
}

/* One line for each host that was spoken to, or not. */
static void log_try(const struct remote *r, const struct job *j, const struct outcome *o,
		    const struct before *before)
{
	const struct target *t = &r->smtp.peer;
	struct qlog l;

	qlog_begin(&l, "deliver");
	qlog_id(&l, j->id);
	qlog_str(&l, "host", t->host);
	qlog_str(&l, "ip", t->ip);
	qlog_num(&l, "port", t->port);
	log_tls(&l, &r->smtp);
	qlog_num(&l, "decided", o->decided - before->decided);
	qlog_num(&l, "of", o->count);
	if (o->decided < o->count)
		qlog_str(&l, "reason", r->smtp.why);
	else
		log_reply(&l, &r->smtp.reply);
	qlog_num(&l, "ms", (uint64_t)(clock_mono_ms() - before->time));
	qlog_end(&l);
	if (o->decided < o->count || o->failed > before->failed)
		transcript_log(&r->smtp.transcript, j->id, t->host, t->ip);
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
	return (c->ipv4only ? DEST_IPV4_ONLY : 0U) |
	       (is_listed(c->mxfallback, domain) ? DEST_FALLBACK : 0U) |
	       (is_listed(c->ipv4first, domain) ? DEST_IPV4_FIRST : 0U);
}

/* Whether it still stands is asked when the next job is there. */
static void drop_unless_kept(struct remote *r)
{
	if (!smtp_may_go_on(&r->smtp))
		smtp_close(&r->smtp);
}

/* Who is somebody else there now, or nobody any more, needs a new connection. */
static int is_login_as_before(const struct smtp *s, const struct job *j)
{
	const struct job_login *l = *j->route != '\0' ? job_login(j, s->peer.host) : NULL;

	return strcmp(s->login, l != NULL ? l->user : "") == 0;
}

/* The connection kept from the last job. A server may have had enough of it: that is no
 * trouble worth telling. */
static void try_kept(struct remote *r, const struct mail *m, struct outcome *o)
{
	struct before before = begin_try(o);

	if (!smtp_is_reusable(&r->smtp) || !is_login_as_before(&r->smtp, m->job))
		smtp_close(&r->smtp);
	if (r->smtp.fd == -1)
		return;
	smtp_send(&r->smtp, m, o);
	log_try(r, m->job, o, &before);
	if (!is_done(o))
		r->smtp.slow = 0; /* enough of this connection, not of us */
	drop_unless_kept(r);
}

_Static_assert(REMOTEJOB_TRIED >= TRIES_MAX, "a report names each");

/* ---- addresses that did not answer lately ---- */

static void addr_of(const struct target *t, uint8_t addr[REMOTEJOB_ADDR])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const struct address *a = &t->addr;

	if (a->family != AF_INET) {
		memcpy(addr, a->ip, 16);
	} else {
		memcpy(addr, mapped, sizeof mapped);
		memcpy(addr + sizeof mapped, a->ip, 4);
	}
	addr[16] = (uint8_t)(t->port >> 8);
	addr[17] = (uint8_t)(t->port & 0xff);
}

static void note_reach(struct remote *r, const struct target *t)
{
	size_t n = r->tried.count;

	if (r->smtp.reach == 0 || n == REMOTEJOB_TRIED)
		return;
	addr_of(t, r->tried.at[n].addr);
	r->tried.at[n].reach = r->smtp.reach;
	r->tried.count++;
}

static int is_left_alone(const struct remote *r, const struct job *j,
			 const struct target *t)
{
	uint8_t addr[REMOTEJOB_ADDR];

	if (r->dead->count == 0 || (j->flags & JOB_INSIST) != 0)
		return 0;
	addr_of(t, addr);
	return remotejob_is_dead(r->dead, addr);
}

static const char *testing_result(const struct smtp *s, const struct demand *d)
{
	if (d->unlisted)
		return "not listed";
	if (!s->tls)
		return s->tls_why[0] != '\0' ? s->tls_why : "no STARTTLS";
	return strcmp(s->verified, "no") == 0 ? s->facts.why : "ok";
}

/* An MTA-STS policy that is tested: would it have held (RFC 8461 5)? */
static void log_testing(const struct smtp *s, const struct demand *d, const char *id)
{
	struct qlog l;

	if (!d->testing || s->reach != REACH_CONNECTED || !s->greeted)
		return;
	qlog_begin(&l, "sts-testing");
	qlog_id(&l, id);
	qlog_str(&l, "host", s->peer.host);
	qlog_str(&l, "ip", s->peer.ip);
	qlog_str(&l, "reason", testing_result(s, d));
	qlog_end(&l);
}

/* A host that cannot be secure enough gets no connection. */
static void try_target(struct remote *r, const struct target *t, const struct mail *m,
		       struct outcome *o, struct trouble *trouble)
{
	struct before before = begin_try(o);
	const struct demand *d = demand_of(&r->demands, t);

	if (d->action == ACT_SKIP)
		smtp_skip(&r->smtp, t, d->why);
	else if (smtp_open(&r->smtp, t, d, m->deadline) == 0)
		smtp_send(&r->smtp, m, o);
	log_testing(&r->smtp, d, m->job->id);
	note_reach(r, t);
	trouble->greeted += r->smtp.greeted != 0;
	if (!is_done(o))
		note(trouble, &r->smtp);
	log_try(r, m->job, o, &before);
	drop_unless_kept(r);
}

/* D after 5xx from each of the hosts, when there are no others. */
static void give_up(const struct remote *r, const struct trouble *t, struct outcome *o)
{
	int all = t->hosts < TRIES_MAX && t->skipped == 0 && !r->dest.later;

	if (t->no_route == t->hosts)
		outcome_rest(o, 'Z', "no way to the network (#4.4.4): %s", t->text);
	else
		outcome_rest(o, all && t->permanent == t->hosts ? 'D' : 'Z', "%s",
			     t->text);
}

/* The next address that is not left alone; 0: no more. */
static int next_target(struct remote *r, const struct job *j, struct trouble *trouble,
		       struct target *t)
{
	while (dest_next(&r->dest, t)) {
		if (!is_left_alone(r, j, t))
			return 1;
		if (trouble->skipped++ == 0)
			(void)snprintf(r->skipped, sizeof r->skipped, "%s [%s]", t->host,
				       t->ip);
	}
	return 0;
}

/* No host was asked. */
static void say_none(const struct remote *r, const struct trouble *t, struct outcome *o)
{
	if (t->skipped > 0)
		outcome_rest(o, 'Z',
			     "%s did not answer lately and is left alone for a while, as "
			     "%u more addresses (#4.4.1)",
			     r->skipped, t->skipped - 1);
	else
		outcome_rest(o, r->dest.letter, "%s", r->dest.text);
}

static int is_deferred(const struct outcome *o)
{
	return memchr(o->letter, 'Z', o->count) != NULL;
}

static char pace_of(const struct remote *r, const struct trouble *t,
		    const struct outcome *o)
{
	if (!is_deferred(o))
		return PACE_NONE;
	if (r->smtp.slow)
		return PACE_SLOW;
	if (t->hosts == 0 && t->skipped == 0)
		return r->dest.silent ? PACE_NO_NETWORK : PACE_NONE;
	if (t->hosts > 0 && t->no_route == t->hosts)
		return PACE_NO_NETWORK;
	return t->greeted == 0 ? PACE_UNREACHABLE : PACE_NONE;
}

static char try_hosts(struct remote *r, const struct mail *m, struct outcome *o)
{
	const char *domain = addr_domain(m->job->rcpts[0]);
	struct trouble trouble = {0};
	struct target t;

	if (domain == NULL)
		domain = "";
	dest_open(&r->dest, &r->dns, &r->self, domain, m->job->route,
		  dest_flags(&r->config, domain));
	demand_begin(&r->demands, &r->dns, r->config.tlspolicy, m->job, &r->dest, domain,
		     m->deadline);
	while (!is_done(o) && trouble.hosts < TRIES_MAX &&
	       clock_left_ms(m->deadline) > 0 && next_target(r, m->job, &trouble, &t))
		try_target(r, &t, m, o, &trouble);
	if (trouble.hosts == 0)
		say_none(r, &trouble, o);
	else
		give_up(r, &trouble, o);
	return pace_of(r, &trouble, o);
}

char deliver(struct remote *r, const struct job *j, const struct remotejob_dead *dead,
	     int fd, int guard, struct outcome *o)
{
	static struct body body;
	struct mail m = {.job = j,
			 .body = &body,
			 .deadline = clock_mono_ms() + ATTEMPT_TIME,
			 .guard = guard};

	r->dead = dead;
	r->tried.count = 0;
	r->smtp.slow = 0;
	outcome_begin(o, j->nrcpts);
	check_destination(r, j, o);
	refuse_utf8(j, o);
	body_init(&body, fd, j->msg_offset, j->msg_len, j->msg_sum);
	if (!is_done(o))
		look_at_body(&body, o);
	if (!is_done(o))
		try_kept(r, &m, o);
	if (!is_done(o))
		return try_hosts(r, &m, o);
	return is_deferred(o) && r->smtp.slow ? PACE_SLOW : PACE_NONE;
}

void remote_begin(struct remote *r)
{
	smtp_init(&r->smtp, &r->config);
}

void remote_end(struct remote *r)
{
	smtp_close(&r->smtp);
}
