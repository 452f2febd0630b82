/* The commands that there are before a login. */
#include "login_session.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "qlog.h"

struct state {
	struct login *l;
	struct command c;
	int has_id;
};

static const char needs_tls[] = "[PRIVACYREQUIRED] A password needs TLS first.";

void login_bye(struct login *l, const char *why)
{
	login_say(l, "* BYE %s", why);
	l->over = OVER_CUT;
}

void login_bad(struct login *l, const char *tag, const char *why)
{
	login_say(l, "%s BAD %s", tag, why);
	if (++l->errors < LOGIN_ERRORS || l->over)
		return;
	login_refuse(l, "too many errors");
	login_bye(l, "Too many errors.");
}

/* RFC 3501 7.2.1, RFC 9051 7.2.2; behind the login the server names the rest. */
static const char *capability(const struct login *l)
{
#define CAPABILITY "CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL- SASL-IR ID"
	if (l->may_clear)
		return l->tls_on || !l->tls_is_served
			   ? CAPABILITY " AUTH=PLAIN AUTH=LOGIN"
			   : CAPABILITY " STARTTLS AUTH=PLAIN AUTH=LOGIN";
	return l->tls_is_served ? CAPABILITY " STARTTLS LOGINDISABLED"
				: CAPABILITY " LOGINDISABLED";
#undef CAPABILITY
}

static void cmd_capability(struct state *s)
{
	login_say(s->l, "* %s", capability(s->l));
	login_say(s->l, "%s OK done", s->c.tag);
}

static void cmd_noop(struct state *s)
{
	login_say(s->l, "%s OK done", s->c.tag);
}

static void cmd_logout(struct state *s)
{
	login_say(s->l, "* BYE good bye");
	login_say(s->l, "%s OK done", s->c.tag);
	s->l->over = OVER_ENDED;
}

/* RFC 2971: what the client is, for whoever reads the log. */
static void cmd_id(struct state *s)
{
	struct qlog q;

	if (s->c.nargs == 0) {
		login_bad(s->l, s->c.tag, "ID needs a list or NIL.");
		return;
	}
	if (!s->has_id && strcasecmp(s->c.args, "NIL") != 0) {
		qlog_begin(&q, "client-id");
		qlog_str(&q, "client", s->l->client);
		qlog_bytes(&q, "text", s->c.args, s->c.nargs);
		qlog_end(&q);
	}
	s->has_id = 1;
	login_say(s->l, "* ID (\"name\" \"Quoin\")");
	login_say(s->l, "%s OK done", s->c.tag);
}

static void cmd_starttls(struct state *s)
{
	struct login *l = s->l;
	char go[LIMIT_TAG + 32];

	if (l->tls_on || !l->tls_is_served || s->c.nargs != 0) {
		login_bad(l, s->c.tag,
			  l->tls_on ? "TLS is on." : "STARTTLS is not offered.");
		return;
	}
	(void)snprintf(go, sizeof go, "%s OK begin TLS", s->c.tag);
	if (login_starttls(l, go) == -1)
		login_say(l, "%s NO [UNAVAILABLE] TLS cannot be had now.", s->c.tag);
	s->has_id = 0;
	l->errors = 0;
}

static void judge(struct state *s, const struct sasl *who)
{
	struct login *l = s->l;
	char text[LIMIT_TEXT + 1];

	switch (login_ask(l, who, s->c.tag, text)) {
	case AUTH_YES:
		break; /* the server says so */
	case AUTH_NO:
		login_say(l, "%s NO [AUTHENTICATIONFAILED] %s", s->c.tag, text);
		break;
	case AUTH_CUT:
		login_say(l, "%s NO [AUTHENTICATIONFAILED] %s", s->c.tag, text);
		login_bye(l, "Too many wrong passwords.");
		break;
	case AUTH_LATER:
		login_say(l, "%s NO [UNAVAILABLE] %s", s->c.tag, text);
		break;
	}
}

static int may_log_in(struct state *s)
{
	if (s->l->may_clear)
		return 1;
	login_say(s->l, "%s NO %s", s->c.tag, needs_tls);
	s->l->errors++;
	return 0;
}

static void cmd_login(struct state *s)
{
	const char *p = s->c.args;
	size_t n = s->c.nargs;
	struct sasl who = {{0}, {0}};

	if (!may_log_in(s))
		return;
	if (command_astring(&p, &n, who.user, sizeof who.user) == -1 || n == 0 ||
	    *p != ' ' ||
	    (p++, n--, command_astring(&p, &n, who.password, sizeof who.password)) ==
		-1 ||
	    n != 0)
		login_bad(s->l, s->c.tag, "LOGIN needs a name and a password.");
	else
		judge(s, &who);
	sasl_wipe(&who);
}

static void cmd_authenticate(struct state *s)
{
	char *initial = strchr(s->c.args, ' ');
	struct sasl who = {{0}, {0}};

	if (!may_log_in(s))
		return;
	if (initial != NULL)
		*initial++ = '\0';
	switch (login_sasl(s->l, s->c.args, initial, &who)) {
	case SAID_ALL:
		judge(s, &who);
		break;
	case SAID_NO_MECHANISM:
		login_say(s->l, "%s NO There is PLAIN and LOGIN.", s->c.tag);
		break;
	case SAID_CANCELLED:
		login_bad(s->l, s->c.tag, "cancelled");
		break;
	case SAID_GARBLED:
		login_bad(s->l, s->c.tag, "That is not what the mechanism wants.");
		break;
	case SAID_NOBODY:
		login_say(s->l, "%s NO [AUTHENTICATIONFAILED] %s", s->c.tag, AUTH_WRONG);
		s->l->errors++;
		break;
	}
	sasl_wipe(&who);
}

static const struct verb {
	const char *name;
	void (*run)(struct state *s);
} verbs[] = {{"CAPABILITY", cmd_capability},
	     {"NOOP", cmd_noop},
	     {"LOGOUT", cmd_logout},
	     {"ID", cmd_id},
	     {"STARTTLS", cmd_starttls},
	     {"LOGIN", cmd_login},
	     {"AUTHENTICATE", cmd_authenticate}};

static void run(struct state *s, int is_first)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcasecmp(verbs[i].name, s->c.verb) == 0) {
			verbs[i].run(s);
			return;
		}
	if (!is_first) {
		login_bad(s->l, s->c.tag, "There is no such command before a login.");
		return;
	}
	/* Perhaps a browser, made to speak to us by a page. */
	login_refuse(s->l, "not IMAP");
	login_bye(s->l, "This is IMAP.");
}

void login_session(struct login *l)
{
	struct state s = {.l = l};
	int is_first = 1;

	if (!l->over)
		login_say(l, "* OK [%s] %s IMAP is ready", capability(l), l->host);
	while (!l->over) {
		if (login_gather(l, &s.c))
			run(&s, is_first);
		is_first = 0;
		login_wipe();
	}
}
