/* The commands that open no transaction. */
#include <stdio.h>
#include <string.h>

#include "session.h"
#include "tls.h"

static int greet(struct session *s, const char *name)
{
	if (name[0] == '\0') {
		reply(s, SAY_BAD_ARGUMENT);
		return -1;
	}
	session_reset(s);
	peer_clean(s->helo, sizeof s->helo, name);
	return 0;
}

void cmd_helo(struct session *s, char *arg)
{
	if (greet(s, arg) == -1)
		return;
	s->greeted = HELO;
	session_say(s, "250 ");
	session_say(s, s->cfg.host);
	session_say(s, "\r\n");
}

static const char *offer_tls(const struct session *s)
{
	return !s->tls.on && (s->cfg.submission || tls_is_served()) ? "250-STARTTLS\r\n"
								    : "";
}

static const char *offer_auth(const struct session *s)
{
	return s->tls.on && s->cfg.submission ? "250-AUTH PLAIN LOGIN\r\n" : "";
}

void cmd_ehlo(struct session *s, char *arg)
{
	char text[LIMIT_DOMAIN + 256];

	if (greet(s, arg) == -1)
		return;
	s->greeted = EHLO;
	(void)snprintf(text, sizeof text,
		       "250-%s\r\n250-PIPELINING\r\n250-SIZE %llu\r\n250-8BITMIME\r\n"
		       "%s%s%s250 ENHANCEDSTATUSCODES\r\n",
		       s->cfg.host, (unsigned long long)s->cfg.databytes,
		       s->cfg.no_dsn ? "" : "250-DSN\r\n", offer_tls(s), offer_auth(s));
	session_say(s, text);
}

void cmd_rset(struct session *s, char *arg)
{
	(void)arg;
	session_reset(s);
	reply(s, SAY_OK);
}

void cmd_noop(struct session *s, char *arg)
{
	(void)arg;
	reply(s, SAY_OK);
}

void cmd_help(struct session *s, char *arg)
{
	(void)arg;
	reply(s, SAY_HELP);
}

/* The same for everybody: who exists is told at RCPT, and counted there. */
void cmd_vrfy(struct session *s, char *arg)
{
	reply(s, arg[0] != '\0' ? SAY_NOT_VERIFIED : SAY_BAD_ARGUMENT);
}

void cmd_quit(struct session *s, char *arg)
{
	(void)arg;
	reply(s, SAY_BYE);
	s->over = OVER;
}

void cmd_not_offered(struct session *s, char *arg)
{
	(void)arg;
	reply(s, SAY_NOT_OFFERED);
}

/* A chunk follows that must not be read as commands (RFC 3030 2). */
void cmd_bdat(struct session *s, char *arg)
{
	(void)arg;
	reply_last(s, SAY_NOT_OFFERED);
}

void cmd_not_smtp(struct session *s, char *arg)
{
	(void)arg;
	session_log_refusal(s, "HTTP", NULL);
	reply_last(s, SAY_NOT_SMTP);
}
