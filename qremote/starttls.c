/* TLS on a connection: the socket goes to qtls, and what comes back is plaintext. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "demand.h"
#include "limits.h"
#include "smtp.h"
#include "smtp_int.h"

static int64_t handshake_time(const struct smtp *s)
{
	int64_t left = clock_left_ms(s->deadline);
	int64_t ms = s->cfg->timeout_remote < WAIT_HANDSHAKE ? s->cfg->timeout_remote
							     : WAIT_HANDSHAKE;

	return left >= 0 && left < ms ? left : ms;
}

/* qtls itself is not the peer: it has its own time. */
static int64_t within(int64_t ms)
{
	return clock_mono_ms() + ms + WAIT_TLSGATE;
}

static int is_demanded(const struct demand *d)
{
	return d->action != ACT_MAY;
}

static void note(struct smtp *s, const char *why)
{
	(void)snprintf(s->tls_why, sizeof s->tls_why, "%s", why);
}

/* ---- qtls ---- */

/* Where it was never set up, or is not ours to call (a null client's user), mail goes as
 * before; where it is away or busy for a moment, mail waits: else a crash of ours would
 * be a downgrade. 1: in clear, then. */
static int is_without_qtls(struct smtp *s, const struct tlsgate *g,
			   const struct demand *d)
{
	int e = errno;

	if (g->letter == 0 && (e == ENOENT || e == EACCES) && !is_demanded(d)) {
		note(s, e == ENOENT ? "no qtls on this host" : "qtls is not for us");
		return 1;
	}
	(void)smtp_lose(s, "unable to speak TLS: qtls %s (#4.3.0)",
			g->letter != 0 ? g->text : strerror(e));
	return 0;
}

/* The handshake did not come about. Without a letter it is qtls that failed. */
static int fail_handshake(struct smtp *s, const struct tlsgate *g)
{
	s->tls_failed = g->letter != 0;
	note(s, g->letter != 0 ? g->text : "qtls failed");
	return smtp_lose(s, "no TLS session: %s (#%s)", s->tls_why,
			 g->letter != 0 ? "4.7.5" : "4.3.0");
}

/* RFC 7672 2.2: of records that turn out to be of no use, encryption remains. */
static int is_trusted(const struct smtp *s, const struct demand *d)
{
	if (d->login != NULL)
		return s->facts.verified;
	switch (d->action) {
	case ACT_DANE:
		return s->facts.verified || s->facts.usable == 0;
	case ACT_NAME:
	case ACT_PIN:
		return s->facts.verified;
	default:
		return 1;
	}
}

static const char *verified_by(const struct smtp *s, const struct demand *d)
{
	if (!s->facts.verified)
		return "no";
	switch (d->want.verify) {
	case TLS_DANE:
		return "dane";
	case TLS_NAME:
		return "name";
	case TLS_PIN:
		return "pin";
	default:
		return "no";
	}
}

/* From here on all that is said is said to whoever is at the other end of TLS. */
static void enter(struct smtp *s, int plain)
{
	(void)close(s->fd);
	s->fd = plain;
	rbuf_init(&s->in, plain, NULL);
	obuf_init(&s->out, plain);
	s->tls = 1;
	s->caps = 0;
}

static int take_result(struct smtp *s, struct tlsgate *g, const struct demand *d)
{
	int plain = tlsgate_result(g, &s->facts, within(handshake_time(s)));

	if (plain == -1)
		return fail_handshake(s, g);
	enter(s, plain);
	s->waited = 0;
	s->verified = verified_by(s, d);
	if (is_trusted(s, d))
		return 0;
	return smtp_lose(s, "its certificate is not good enough for %s: %s (#4.7.5)",
			 d->login != NULL ? "a password" : d->why, s->facts.why);
}

static int is_away(int e)
{
	return e == ECONNREFUSED || e == ENOENT;
}

/* It is being started, as at a boot, or again; but the first of us to wait in vain waits
 * for all messages of this process. */
static int may_come_back(struct smtp *s)
{
	int wait = s->cfg->has_qtls && !s->waited;

	s->waited = 1;
	return wait;
}

static int ask_qtls(struct smtp *s, struct tlsgate *g, const struct demand *d,
		    unsigned flags)
{
	struct tls_want w = d->want;
	int64_t back = clock_mono_ms() + (may_come_back(s) ? WAIT_QTLS : 0);

	w.flags = flags;
	w.timeout_ms = (uint32_t)handshake_time(s);
	while (tlsgate_open(g, "tls-client", &w, s->fd, within(0)) == -1) {
		if (!is_away(errno) || clock_mono_ms() >= back)
			return -1;
		(void)poll(NULL, 0, PAUSE_QTLS);
	}
	return 0;
}

/* ---- RFC 8314 3.3 ---- */

int tls_at_once(struct smtp *s, const struct demand *d)
{
	struct tlsgate g;

	if (ask_qtls(s, &g, d, TLS_GO) == -1)
		return smtp_lose(s, "unable to speak TLS: qtls %s (#4.3.0)",
				 g.letter != 0 ? g.text : strerror(errno));
	return take_result(s, &g, d);
}

/* ---- RFC 3207 ---- */

/* 1: it said yes, 0: not, in clear then, -1. What lies behind its reply was put there by
 * somebody between us. */
static int say_starttls(struct smtp *s, const struct demand *d)
{
	if (smtp_begin(s) == -1 || smtp_put(s, "STARTTLS") == -1 || smtp_flush(s) == -1 ||
	    smtp_take(s, "STARTTLS", WAIT_STARTTLS) == -1)
		return -1;
	if (rbuf_pending(&s->in) > 0)
		return smtp_lose(
		    s, "something stands behind its answer to STARTTLS (#4.7.5)");
	if (s->reply.code == 220)
		return 1;
	(void)smtp_blame(s);
	note(s, s->why);
	s->why_code = 0;
	if (!is_demanded(d))
		return 0;
	return smtp_lose(s, "refuses STARTTLS, which %s demands (#4.7.4)", d->why);
}

static int is_offered(struct smtp *s, const struct demand *d)
{
	if (s->caps & CAP_STARTTLS)
		return 1;
	if (is_demanded(d))
		(void)smtp_lose(s, "does not offer STARTTLS, which %s demands (#4.7.4)",
				d->why);
	return 0;
}

/* With TLS 1.3 a server refuses our half of the handshake when we have done all of it (RFC
 * 8446 4.4.2.4). Without a reply behind it, it has failed. */
static int hello_inside(struct smtp *s)
{
	if (smtp_hello(s) == 0)
		return 0;
	if (s->why_code == 0) {
		s->tls_failed = 1;
		note(s, "nothing is said behind the handshake");
	}
	return -1;
}

/* qtls is asked before the server: if it says no, nothing has happened. */
int tls_start(struct smtp *s, const struct demand *d)
{
	struct tlsgate g;
	int r;

	if (!is_offered(s, d))
		return is_demanded(d) ? -1 : 0;
	if (ask_qtls(s, &g, d, 0) == -1)
		return is_without_qtls(s, &g, d) ? 0 : -1;
	r = say_starttls(s, d);
	if (r != 1) {
		tlsgate_close(&g);
		return r;
	}
	if (tlsgate_go(&g) == -1)
		return fail_handshake(s, &g);
	return take_result(s, &g, d) == -1 ? -1 : hello_inside(s);
}
