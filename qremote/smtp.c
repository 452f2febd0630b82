#include "smtp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "connect.h"
#include "demand.h"
#include "escape.h"
#include "limits.h"
#include "remotejob.h"
#include "smtp_int.h"

void smtp_init(struct smtp *s, const struct config *cfg)
{
	s->cfg = cfg;
	s->fd = -1;
}

/* ---- what went wrong ---- */

int smtp_lose(struct smtp *s, const char *fmt, ...)
{
	char text[LIMIT_TEXT];
	char line[LIMIT_DOMAIN + 64 + LIMIT_TEXT + 2];
	va_list ap;
	int n;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	n = snprintf(line, sizeof line, "%s: %s", s->name, text);
	(void)escape_text(s->why, sizeof s->why, line, (size_t)n);
	s->why_code = 0;
	s->lost = 1;
	return -1;
}

int smtp_blame(struct smtp *s)
{
	char text[LIMIT_TEXT + 1];
	char line[sizeof s->name + sizeof text + 8];
	int n;

	reply_text(&s->reply, text);
	n = snprintf(line, sizeof line, "%s said: %s", s->name, text);
	(void)escape_text(s->why, sizeof s->why, line, (size_t)n);
	s->why_code = s->reply.code;
	return -1;
}

static int lose_errno(struct smtp *s, const char *what, int e)
{
	switch (e) {
	case ETIMEDOUT:
		return smtp_lose(s, "timed out at %s", what);
	case EMSGSIZE:
	case EBADMSG:
		return smtp_lose(s, "the answer to %s is no SMTP reply", what);
	case EPIPE:
		return smtp_lose(s, "closed the connection at %s", what);
	default:
		return smtp_lose(s, "%s: %s", what, strerror(e));
	}
}

/* ---- a conversation ---- */

static int64_t limit(const struct smtp *s, int64_t ms)
{
	if (ms > s->cfg->timeout_remote)
		ms = s->cfg->timeout_remote;
	return clock_sooner(clock_mono_ms() + ms, s->deadline);
}

/* The next line into line; some servers end theirs with a bare LF. 0, or -1. */
static int take_line(struct smtp *s, char line[LIMIT_REPLYLINE], size_t *len)
{
	for (*len = 0;;) {
		const char *p;
		const char *lf;
		size_t n;
		int r = rbuf_some(&s->in, &p, &n);

		if (r == 0)
			errno = EPIPE;
		if (r <= 0)
			return -1;
		lf = memchr(p, '\n', n);
		if (lf != NULL)
			n = (size_t)(lf - p);
		if (n > LIMIT_REPLYLINE - *len) {
			errno = EMSGSIZE;
			return -1;
		}
		memcpy(line + *len, p, n);
		*len += n;
		rbuf_take(&s->in, n + (lf != NULL));
		if (lf != NULL)
			break;
	}
	*len -= *len > 0 && line[*len - 1] == '\r';
	return 0;
}

static void note_reply(struct smtp *s)
{
	char line[TRANSCRIPT_LINE + 1];
	size_t n =
	    s->reply.len < TRANSCRIPT_LINE - 4 ? s->reply.len : TRANSCRIPT_LINE - 4;

	(void)snprintf(line, sizeof line, "%03d ", s->reply.code);
	memcpy(line + 4, s->reply.text, n);
	transcript_add(&s->transcript, 's', line, 4 + n);
}

/* A server repeats what it does not understand; many read what it said. */
static void hide_secrets(struct smtp *s)
{
	static const char instead[] = "(what it said repeats the login)";

	for (size_t i = 0; i < sizeof s->secret / sizeof *s->secret; i++)
		if (s->secret[i] != NULL &&
		    memmem(s->reply.text, s->reply.len, s->secret[i],
			   strlen(s->secret[i])) != NULL) {
			s->reply.len = sizeof instead - 1;
			memcpy(s->reply.text, instead, s->reply.len);
		}
}

int smtp_take(struct smtp *s, const char *what, int64_t ms)
{
	char line[LIMIT_REPLYLINE];
	size_t len;
	int r = 0;

	s->in.deadline = limit(s, ms);
	reply_begin(&s->reply);
	while (r == 0) {
		if (take_line(s, line, &len) == -1)
			return lose_errno(s, what, errno);
		r = reply_line(&s->reply, line, len);
	}
	if (r == -1)
		return lose_errno(s, what, errno);
	hide_secrets(s);
	note_reply(s);
	if (s->reply.code == 421) {
		s->lost = s->slow = 1;
		return smtp_blame(s);
	}
	return 0;
}

int smtp_begin(struct smtp *s)
{
	if (rbuf_is_talking(&s->in, 0))
		return smtp_lose(s, "spoke before it was asked, or hung up");
	s->out.deadline = limit(s, WAIT_BLOCK);
	return 0;
}

int smtp_put(struct smtp *s, const char *fmt, ...)
{
	char line[2 * LIMIT_ADDRESS + LIMIT_ORCPT + LIMIT_ENVID + 100];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof line)
		return smtp_lose(s, "a command for it is too long");
	transcript_add(&s->transcript, 'c', line, (size_t)n);
	if (obuf_put(&s->out, line, (size_t)n) == -1 || obuf_puts(&s->out, "\r\n") == -1)
		return lose_errno(s, "writing", errno);
	return 0;
}

int smtp_put_secret(struct smtp *s, const char *words, const char *secret)
{
	transcript_add(&s->transcript, 'c', words, strlen(words));
	if (obuf_puts(&s->out, secret) == -1 || obuf_puts(&s->out, "\r\n") == -1)
		return lose_errno(s, "writing", errno);
	return 0;
}

int smtp_flush_secret(struct smtp *s)
{
	int r = smtp_flush(s);

	explicit_bzero(s->out.buf, sizeof s->out.buf);
	return r;
}

int smtp_flush(struct smtp *s)
{
	return obuf_flush(&s->out) == -1 ? lose_errno(s, "writing", errno) : 0;
}

/* ---- the connection ---- */

/* "Slow down", in so many words (RFC 3463 X.7.x: a policy). */
int smtp_refuse(struct smtp *s)
{
	s->slow |= reply_is_status(&s->reply, "4.7.");
	return smtp_blame(s);
}

static int say_hello(struct smtp *s, const char *verb)
{
	const char *name = s->peer.addr.family == AF_INET ? s->cfg->helo4 : s->cfg->helo6;

	if (smtp_begin(s) == -1 || smtp_put(s, "%s %s", verb, name) == -1 ||
	    smtp_flush(s) == -1 || smtp_take(s, verb, WAIT_HELO) == -1)
		return -1;
	return s->reply.code / 100 == 2 ? 0 : smtp_refuse(s);
}

static void note_caps(struct smtp *s)
{
	static const struct {
		const char *keyword;
		int bit;
	} caps[] = {{"PIPELINING", CAP_PIPELINING},
		    {"SIZE", CAP_SIZE},
		    {"8BITMIME", CAP_8BITMIME},
		    {"DSN", CAP_DSN},
		    {"STARTTLS", CAP_STARTTLS}};
	char arg[32];

	s->caps = 0;
	for (size_t i = 0; i < sizeof caps / sizeof *caps; i++)
		if (reply_has(&s->reply, caps[i].keyword, arg, sizeof arg))
			s->caps |= caps[i].bit;
	if (reply_lists(&s->reply, "AUTH", "PLAIN"))
		s->caps |= CAP_PLAIN;
	if (reply_lists(&s->reply, "AUTH", "LOGIN"))
		s->caps |= CAP_LOGIN;
}

int smtp_hello(struct smtp *s)
{
	s->caps = 0;
	if (say_hello(s, "EHLO") == 0) {
		note_caps(s);
		return 0;
	}
	/* RFC 5321 3.2: a server from before EHLO says 500 or 502 */
	return !s->lost && s->why_code / 100 == 5 ? say_hello(s, "HELO") : -1;
}

static int greet(struct smtp *s)
{
	if (smtp_take(s, "the greeting", WAIT_GREETING) == -1)
		return -1;
	return s->reply.code / 100 == 2 ? smtp_hello(s) : smtp_refuse(s);
}

static void set_peer(struct smtp *s, const struct target *t, int64_t deadline)
{
	char port[8] = "";

	s->peer = *t;
	if (t->port != SMTP_PORT)
		(void)snprintf(port, sizeof port, ":%u", (unsigned)t->port);
	(void)snprintf(s->name, sizeof s->name, "%s [%s]%s", t->host, t->ip, port);
	s->lost = s->dirty = s->greeted = 0;
	s->sent = 0;
	s->tls = s->tls_failed = 0;
	s->verified = "no";
	s->login[0] = '\0';
	memset(&s->facts, 0, sizeof s->facts);
	s->transcript.n = 0;
	s->opened = clock_mono_ms();
	s->deadline = deadline;
}

/* What a failure to connect says of the address; 0: nothing. */
static char reach_of(int e)
{
	switch (e) {
	case ETIMEDOUT:
		return REACH_TIMEOUT;
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case ECONNRESET:
		return REACH_REFUSED;
	default:
		return 0;
	}
}

static int reach(struct smtp *s)
{
	s->fd =
	    connect_to(s->cfg, &s->peer,
		       clock_sooner(s->opened + s->cfg->timeout_connect, s->deadline));
	s->no_route = s->fd == -1 && errno == ENETUNREACH;
	s->reach = s->fd == -1 ? reach_of(errno) : REACH_CONNECTED;
	if (s->fd == -1)
		return smtp_lose(s, "unable to connect: %s", strerror(errno));
	rbuf_init(&s->in, s->fd, NULL);
	obuf_init(&s->out, s->fd);
	return 0;
}

static int converse(struct smtp *s, const struct demand *d)
{
	int implicit = s->peer.port == SMTPS_PORT && d->action != ACT_CLEAR;

	if ((implicit && tls_at_once(s, d) == -1) || greet(s) == -1)
		return -1;
	s->greeted = 1;
	if (!implicit && d->action != ACT_CLEAR && tls_start(s, d) == -1)
		return -1;
	return d->login != NULL ? auth_login(s, d) : 0;
}

static int open_once(struct smtp *s, const struct target *t, const struct demand *d,
		     int64_t deadline)
{
	set_peer(s, t, deadline);
	if (reach(s) == -1)
		return -1;
	if (converse(s, d) == 0)
		return 0;
	/* What was said in clear may be anybody's: no reason to give up for ever. */
	if (!s->tls && d->action != ACT_CLEAR && d->action != ACT_MAY)
		s->why_code = 0;
	smtp_close(s);
	return -1;
}

/* In clear the second time, where that is allowed (RFC 7435 3). */
int smtp_open(struct smtp *s, const struct target *t, const struct demand *d,
	      int64_t deadline)
{
	static const struct demand in_clear = {.action = ACT_CLEAR};

	s->tls_why[0] = '\0';
	if (open_once(s, t, d, deadline) == 0)
		return 0;
	if (!s->tls_failed || d->action != ACT_MAY || t->port == SMTPS_PORT)
		return -1;
	return open_once(s, t, &in_clear, deadline);
}

void smtp_skip(struct smtp *s, const struct target *t, const char *why)
{
	set_peer(s, t, CLOCK_NEVER);
	s->reach = 0;
	s->no_route = 0;
	s->tls_why[0] = '\0';
	(void)smtp_lose(s, "left out: %s (#4.7.5)", why);
}

void smtp_tls_words(const struct smtp *s, char out[SMTP_TLS])
{
	if (s->tls)
		(void)snprintf(
		    out, SMTP_TLS, "%s %s %s", s->facts.version, s->facts.cipher,
		    strcmp(s->verified, "no") == 0 ? "unverified" : s->verified);
	else
		(void)snprintf(out, SMTP_TLS, "none");
}

int smtp_may_go_on(const struct smtp *s)
{
	return s->fd != -1 && !s->lost && !s->dirty && s->sent < REUSE_MAX;
}

int smtp_is_reusable(struct smtp *s)
{
	return smtp_may_go_on(s) && clock_mono_ms() - s->opened <= REUSE_TIME &&
	       !rbuf_is_talking(&s->in, 0);
}

/* What stands in the buffer of a lost connection must not be written. QUIT's answer is
 * not waited for: it could change nothing. */
void smtp_close(struct smtp *s)
{
	if (s->fd == -1)
		return;
	if (!s->lost && smtp_begin(s) == 0 && smtp_put(s, "QUIT") == 0)
		(void)smtp_flush(s);
	(void)close(s->fd);
	s->fd = -1;
}
