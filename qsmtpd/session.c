#include "session.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "linger.h"
#include "qlog.h"
#include "tls.h"

/* Counts as junk; is the last of a pipelined group (RFC 2920 3.1). */
enum { JUNK = 1, LAST = 2 };

enum { USUAL_ENVELOPE = 500, USUAL_TRACE = 1000, LIMIT_TRACE = 4096 };

static const struct command {
	const char *verb;
	void (*run)(struct session *s, char *arg);
	int flags;
} commands[] = {
    {"HELO", cmd_helo, JUNK | LAST},
    {"EHLO", cmd_ehlo, JUNK | LAST},
    {"MAIL", cmd_mail, 0},
    {"RCPT", cmd_rcpt, 0},
    {"DATA", cmd_data, LAST},
    {"RSET", cmd_rset, JUNK},
    {"NOOP", cmd_noop, JUNK},
    {"QUIT", cmd_quit, 0},
    {"HELP", cmd_help, JUNK},
    {"VRFY", cmd_vrfy, JUNK},
    {"EXPN", cmd_expn, JUNK},
    {"VERB", cmd_not_offered, JUNK},
    {"ETRN", cmd_not_offered, JUNK},
    {"AUTH", cmd_auth, JUNK | LAST},
    {"STARTTLS", cmd_starttls, JUNK | LAST},
    {"BDAT", cmd_bdat, 0},
    /* A browser made to speak to us by a page (cross-protocol attack). */
    {"GET", cmd_not_smtp, 0},
    {"POST", cmd_not_smtp, 0},
    {"PUT", cmd_not_smtp, 0},
    {"HEAD", cmd_not_smtp, 0},
    {"DELETE", cmd_not_smtp, 0},
    {"OPTIONS", cmd_not_smtp, 0},
    {"PATCH", cmd_not_smtp, 0},
    {"TRACE", cmd_not_smtp, 0},
    {"CONNECT", cmd_not_smtp, 0},
    {"PRI", cmd_not_smtp, 0},
};

void session_prepare(struct session *s)
{
	sbuf_init(&s->env, LIMIT_ENVELOPE);
	sbuf_init(&s->trace, LIMIT_TRACE);
	/* where there is none, who needs it is told */
	(void)!sbuf_reserve(&s->env, USUAL_ENVELOPE);
	(void)!sbuf_reserve(&s->trace, USUAL_TRACE);
}

void session_init(struct session *s, int in, int out)
{
	rbuf_init(&s->in, in, &s->out);
	obuf_init(&s->out, out);
	rbuf_kernel_timeout(&s->in, s->cfg.timeout_ms);
	s->end = clock_mono_ms() + LIMIT_SESSION_MS;
	s->rcpt_fd = -1;
}

void session_say(struct session *s, const char *text)
{
	s->out.deadline = clock_mono_ms() + s->cfg.timeout_ms;
	if (obuf_puts(&s->out, text) == -1)
		s->over = OVER;
}

void session_reset(struct session *s)
{
	s->has_sender = 0;
	s->nrcpts = 0;
	sbuf_clear(&s->env);
}

void session_log_refusal(const struct session *s, const char *why, const char *rcpt)
{
	struct qlog l;

	qlog_begin(&l, "refuse");
	qlog_str(&l, "reason", why);
	qlog_str(&l, "client", s->peer.ip);
	qlog_str(&l, "helo", s->helo);
	if (s->login[0] != '\0')
		qlog_str(&l, "login", s->login);
	if (s->has_sender)
		qlog_str(&l, "from", s->sender);
	if (rcpt != NULL)
		qlog_str(&l, "to", rcpt);
	qlog_end(&l);
}

static const struct command *find(const char *verb)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcasecmp(commands[i].verb, verb) == 0)
			return &commands[i];
	return NULL;
}

/* The verb ends at the first blank; blanks around the argument go. */
static char *split(char *line)
{
	size_t n = strlen(line);
	char *arg;

	while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		n--;
	line[n] = '\0';
	arg = line + strcspn(line, " \t");
	if (*arg != '\0')
		*arg++ = '\0';
	return arg + strspn(arg, " \t");
}

static void run_line(struct session *s)
{
	char *arg = split(s->line);
	const struct command *c = find(s->line);

	if (c == NULL) {
		reply(s, SAY_UNKNOWN);
		return;
	}
	if ((c->flags & LAST) && rbuf_pending(&s->in) > 0) {
		session_log_refusal(s, "talks before the reply", NULL);
		reply_last(s, SAY_TOO_EARLY);
		return;
	}
	s->junk += (c->flags & JUNK) != 0;
	c->run(s, arg);
}

static void bad_line(struct session *s, int e)
{
	switch (e) {
	case EMSGSIZE:
		reply(s, SAY_LINE_TOO_LONG);
		break;
	case E2BIG:
		reply_last(s, SAY_LINE_TOO_LONG);
		break;
	case EBADMSG:
	case EILSEQ:
		session_log_refusal(s, "bare CR, LF or NUL in a command", NULL);
		reply_last(s, SAY_BAD_LINE);
		break;
	case ETIMEDOUT:
		reply_last(s, clock_mono_ms() >= s->end ? SAY_TOO_LONG_HERE : SAY_IDLE);
		break;
	default:
		s->over = OVER;
	}
}

int session_line(struct session *s)
{
	int64_t now = clock_mono_ms();
	int64_t idle = now + s->cfg.timeout_ms;
	const char *line;
	size_t len;
	int r;

	/* A client that never pauses meets no deadline. */
	if (now >= s->end) {
		reply_last(s, SAY_TOO_LONG_HERE);
		return -1;
	}
	s->in.deadline = idle < s->end ? idle : s->end;
	r = rbuf_line(&s->in, LIMIT_COMMAND, &line, &len);
	if (r == 1) {
		memcpy(s->line, line, len);
		s->line[len] = '\0';
		return 0;
	}
	if (r == -1)
		bad_line(s, errno);
	else
		s->over = OVER;
	return -1;
}

void session_may_relay(struct session *s)
{
	if (s->peer.relay == NULL)
		s->peer.relay = "";
}

int session_is_known(const struct session *s)
{
	return s->login[0] != '\0' || s->tls.key[0] != '\0';
}

static void next_command(struct session *s)
{
	if (session_line(s) == 0)
		run_line(s);
	if (!s->over && s->errors >= LIMIT_ERRORS) {
		session_log_refusal(s, "too many errors", NULL);
		reply_last(s, SAY_TOO_MANY_ERRORS);
	}
	if (!s->over && s->junk >= LIMIT_JUNK)
		reply_last(s, SAY_TOO_MUCH_JUNK);
}

static void greet(struct session *s)
{
	/* RFC 5321 4.3.1: the client waits for the greeting. */
	if (rbuf_is_talking(&s->in, 0)) {
		session_log_refusal(s, "talks before the greeting", NULL);
		reply_last(s, SAY_EARLY_TALKER);
		return;
	}
	session_say(s, "220 ");
	session_say(s, s->cfg.greeting);
	session_say(s, " ESMTP\r\n");
}

void session_commands(struct session *s)
{
	while (!s->over)
		next_command(s);
	s->out.deadline = clock_mono_ms() + s->cfg.timeout_ms;
	if (obuf_flush(&s->out) == -1)
		return;
	if (s->tls.on)
		linger_tls(s->in.fd, s->out.fd);
	else if (s->over == OVER_REFUSED)
		linger(s->in.fd, s->out.fd);
}

void session_serve(struct session *s)
{
	if (s->cfg.tls_at_once && tls_at_once(s) == -1)
		return;
	greet(s);
	session_commands(s);
}
