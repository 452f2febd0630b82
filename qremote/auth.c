/* AUTH PLAIN and LOGIN (RFC 4954, RFC 4616), to a server that is verified. */
#include <stdio.h>
#include <string.h>

#include "base64.h"
#include "demand.h"
#include "limits.h"
#include "smtp.h"
#include "smtp_int.h"

enum {
	RAW_MAX = LIMIT_SMTPUSER + LIMIT_SMTPPASSWORD + 2,
	CODED_MAX = BASE64_LEN(RAW_MAX) + 1,
	INITIAL_MAX = 500 /* with the command's words 512 (RFC 4954 4) */
};

/* A wrong password is the admin's to mend: mail waits. */
static int refused(struct smtp *s)
{
	char text[LIMIT_TEXT + 1];

	if (s->lost)
		return -1;
	reply_text(&s->reply, text);
	return smtp_lose(
	    s, "does not accept the login of control/smtpauth: %.200s (#4.7.8)", text);
}

/* A line, and its reply, which must be code. */
static int say(struct smtp *s, const char *words, const char *line, int code)
{
	if (smtp_begin(s) == -1 || smtp_put_secret(s, words, line) == -1 ||
	    smtp_flush_secret(s) == -1 || smtp_take(s, "AUTH", WAIT_AUTH) == -1)
		return -1;
	return s->reply.code == code ? 0 : refused(s);
}

static size_t plain(const struct job_login *l, char raw[RAW_MAX])
{
	size_t user = strlen(l->user);
	size_t password = strlen(l->password);

	raw[0] = raw[1 + user] = '\0';
	memcpy(raw + 1, l->user, user);
	memcpy(raw + 2 + user, l->password, password);
	return 2 + user + password;
}

static int say_plain(struct smtp *s, const struct job_login *l)
{
	char raw[RAW_MAX];
	char line[sizeof "AUTH PLAIN " + CODED_MAX] = "AUTH PLAIN ";
	char *coded = line + strlen(line);
	int r = base64_put(raw, plain(l, raw), coded, CODED_MAX);

	explicit_bzero(raw, sizeof raw);
	s->secret[1] = coded;
	if (r == -1)
		r = smtp_lose(s, "the login for it is too long");
	else if (strlen(coded) <= INITIAL_MAX)
		r = say(s, "AUTH PLAIN ...", line, 235);
	else if (say(s, "AUTH PLAIN", "AUTH PLAIN", 334) == -1)
		r = -1;
	else
		r = say(s, "...", coded, 235);
	explicit_bzero(line, sizeof line);
	return r;
}

static int say_coded(struct smtp *s, const char *text, int code)
{
	char coded[CODED_MAX];
	int r = base64_put(text, strlen(text), coded, sizeof coded);

	s->secret[1] = coded;
	r = r == -1 ? smtp_lose(s, "the login for it is too long")
		    : say(s, "...", coded, code);
	explicit_bzero(coded, sizeof coded);
	return r;
}

static int say_login(struct smtp *s, const struct job_login *l)
{
	if (say(s, "AUTH LOGIN", "AUTH LOGIN", 334) == -1 ||
	    say_coded(s, l->user, 334) == -1)
		return -1;
	return say_coded(s, l->password, 235);
}

int auth_login(struct smtp *s, const struct demand *d)
{
	int r;

	if (!s->tls || !s->facts.verified)
		return smtp_lose(s, "it is not verified: no password is said (#4.7.5)");
	s->secret[0] = d->login->password;
	if (s->caps & CAP_PLAIN)
		r = say_plain(s, d->login);
	else if (s->caps & CAP_LOGIN)
		r = say_login(s, d->login);
	else
		r = smtp_lose(s, "offers neither AUTH PLAIN nor AUTH LOGIN (#4.7.4)");
	s->secret[0] = s->secret[1] = NULL;
	if (r == 0)
		(void)snprintf(s->login, sizeof s->login, "%s", d->login->user);
	return r;
}
