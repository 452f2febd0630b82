/* The commands of the state AUTHORIZATION (RFC 1939 4). Its time over, or a line that is
 * none, the session ends without a word (RFC 1939 3), for the client may be at any place.
 */
#include "login_session.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common.h"

struct state {
	struct login *l;
	char *arg;
	int has_user;
	struct sasl who;
};

static void bad(struct login *l, const char *why)
{
	login_say(l, "-ERR %s", why);
	if (++l->errors < LOGIN_ERRORS || l->over)
		return;
	login_refuse(l, "too many errors");
	l->over = OVER_CUT;
}

static int may_log_in(struct login *l)
{
	if (!l->may_clear)
		bad(l, "A password needs TLS first: STLS.");
	return l->may_clear;
}

static void forget(struct state *s)
{
	sasl_wipe(&s->who);
	s->has_user = 0;
}

/* RFC 3206 */
static void judge(struct state *s)
{
	struct login *l = s->l;
	char text[LIMIT_TEXT + 1];

	switch (login_ask(l, &s->who, "", text)) {
	case AUTH_YES:
		break; /* the server says so */
	case AUTH_NO:
		login_say(l, "-ERR [AUTH] %s", text);
		break;
	case AUTH_CUT:
		login_say(l, "-ERR [AUTH] %s", text);
		l->over = OVER_CUT;
		break;
	case AUTH_LATER:
		login_say(l, "-ERR [SYS/TEMP] %s", text);
		break;
	}
	forget(s);
}

static void nobody(struct state *s)
{
	s->l->errors++;
	login_say(s->l, "-ERR [AUTH] %s", AUTH_WRONG);
	forget(s);
}

static void cmd_user(struct state *s)
{
	size_t n = strlen(s->arg);

	if (!may_log_in(s->l))
		return;
	forget(s);
	if (n == 0 || n >= sizeof s->who.user) {
		bad(s->l, "USER needs a name.");
		return;
	}
	memcpy(s->who.user, s->arg, n + 1);
	s->has_user = 1;
	login_say(s->l, "+OK");
}

/* Blanks belong to the password (RFC 1939 7). */
static void cmd_pass(struct state *s)
{
	size_t n = strlen(s->arg);

	if (!may_log_in(s->l))
		return;
	if (!s->has_user) {
		bad(s->l, "USER comes first.");
		return;
	}
	if (n == 0 || n >= sizeof s->who.password) {
		nobody(s);
		return;
	}
	memcpy(s->who.password, s->arg, n + 1);
	judge(s);
}

/* RFC 5034 */
static void cmd_auth(struct state *s)
{
	char *initial = strchr(s->arg, ' ');

	if (!may_log_in(s->l))
		return;
	if (initial != NULL)
		*initial++ = '\0';
	if (s->arg[0] == '\0') { /* of old: which are there? */
		login_say(s->l, "+OK\r\nPLAIN\r\nLOGIN\r\n.");
		return;
	}
	forget(s);
	switch (login_sasl(s->l, s->arg, initial, &s->who)) {
	case SAID_ALL:
		judge(s);
		break;
	case SAID_NO_MECHANISM:
		bad(s->l, "There is PLAIN and LOGIN.");
		break;
	case SAID_CANCELLED:
		bad(s->l, "cancelled");
		break;
	case SAID_GARBLED:
		bad(s->l, "That is not what the mechanism wants.");
		break;
	case SAID_NOBODY:
		nobody(s);
		break;
	}
}

static void cmd_capa(struct state *s)
{
	const struct login *l = s->l;

	login_say(s->l, "+OK\r\n%s%s%s",
		  l->may_clear ? "USER\r\nSASL PLAIN LOGIN\r\n" : "",
		  l->tls_is_served && !l->tls_on ? "STLS\r\n" : "", pop3_capa);
}

/* RFC 2595 4 */
static void cmd_stls(struct state *s)
{
	struct login *l = s->l;

	if (l->tls_on || !l->tls_is_served || s->arg[0] != '\0') {
		bad(l, l->tls_on ? "TLS is on." : "STLS is not offered.");
		return;
	}
	if (login_starttls(l, "+OK begin TLS") == -1)
		login_say(l, "-ERR [SYS/TEMP] TLS cannot be had now.");
	forget(s);
	l->errors = 0;
}

static void cmd_lang(struct state *s)
{
	login_say(s->l, "%s", pop3_lang(s->arg));
}

/* Names, passwords and messages are taken and given as they are, with UTF8 or without
 * (RFC 6856 2). */
static void cmd_utf8(struct state *s)
{
	login_say(s->l, "+OK");
}

static void cmd_quit(struct state *s)
{
	login_say(s->l, "+OK good bye");
	s->l->over = OVER_ENDED;
}

static void cmd_apop(struct state *s)
{
	bad(s->l, "APOP is not offered.");
}

static const struct verb {
	const char *name;
	void (*run)(struct state *s);
} verbs[] = {{"USER", cmd_user}, {"PASS", cmd_pass}, {"AUTH", cmd_auth},
	     {"CAPA", cmd_capa}, {"STLS", cmd_stls}, {"LANG", cmd_lang},
	     {"UTF8", cmd_utf8}, {"QUIT", cmd_quit}, {"APOP", cmd_apop}};

static void run(struct state *s, char *line, int is_first)
{
	char *blank = strchr(line, ' ');

	s->arg = blank != NULL ? blank + 1 : line + strlen(line);
	if (blank != NULL)
		*blank = '\0';
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcasecmp(verbs[i].name, line) == 0) {
			verbs[i].run(s);
			return;
		}
	bad(s->l, "There is no such command before a login.");
	if (!is_first)
		return;
	/* Perhaps a browser, made to speak to us by a page. */
	login_refuse(s->l, "not POP3");
	s->l->over = OVER_CUT;
}

static void next(struct state *s, int is_first)
{
	static char line[LOGIN_LINE];
	struct login *l = s->l;
	size_t n;
	int r = login_line(l, line, sizeof line, &n);

	if (r == 1)
		run(s, line, is_first);
	else if (!l->over) {
		if (r == -1 && errno != ETIMEDOUT)
			login_refuse(l, errno == EILSEQ ? "control bytes in a command"
							: "a line is too long");
		l->over = OVER_CUT;
	}
	explicit_bzero(line, sizeof line);
}

void login_session(struct login *l)
{
	struct state s = {.l = l};

	if (!l->over)
		login_say(l, "+OK %s POP3 is ready", l->host);
	for (int is_first = 1; !l->over; is_first = 0)
		next(&s, is_first);
	forget(&s);
}
