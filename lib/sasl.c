#include "sasl.h"

#include <string.h>
#include <strings.h>

#include "base64.h"

/* PLAIN's three parts and the NULs between them. */
enum { MESSAGE_MAX = LIMIT_LOGIN + 1 + LIMIT_LOGIN + 1 + LIMIT_PASSWORD };

struct message {
	char p[MESSAGE_MAX + 1];
	size_t n;
};

static enum sasl_result decode(struct message *m, const char *text, size_t n)
{
	m->n = 0;
	if (n == 1 && text[0] == '=')
		n = 0;
	if (base64_get(text, n, m->p, MESSAGE_MAX, &m->n) == -1)
		return SASL_GARBLED;
	m->p[m->n] = '\0';
	return SASL_OK;
}

/* A part without NUL, from 1 to max bytes. */
static enum sasl_result keep(char *to, size_t max, const char *p, size_t n)
{
	if (memchr(p, '\0', n) != NULL)
		return SASL_GARBLED;
	if (n == 0 || n > max)
		return SASL_WRONG;
	memcpy(to, p, n);
	to[n] = '\0';
	return SASL_OK;
}

static enum sasl_result whole(char *to, size_t max, const char *text, size_t n)
{
	struct message m;
	enum sasl_result r = decode(&m, text, n);

	if (r == SASL_OK)
		r = keep(to, max, m.p, m.n);
	explicit_bzero(&m, sizeof m);
	return r;
}

static enum sasl_result split(struct sasl *s, const struct message *m)
{
	const char *end = m->p + m->n;
	const char *user = m->p + strlen(m->p) + 1;
	const char *password;
	enum sasl_result r;

	if (user > end)
		return SASL_GARBLED;
	password = user + strlen(user) + 1;
	if (password > end)
		return SASL_GARBLED;
	r = keep(s->password, LIMIT_PASSWORD, password, (size_t)(end - password));
	if (r == SASL_OK)
		r = keep(s->user, LIMIT_LOGIN, user, strlen(user));
	if (r == SASL_OK && m->p[0] != '\0' && strcasecmp(m->p, user) != 0)
		r = SASL_WRONG;
	return r;
}

enum sasl_result sasl_plain(struct sasl *s, const char *text, size_t n)
{
	struct message m;
	enum sasl_result r = decode(&m, text, n);

	if (r == SASL_OK)
		r = split(s, &m);
	explicit_bzero(&m, sizeof m);
	return r;
}

enum sasl_result sasl_user(struct sasl *s, const char *text, size_t n)
{
	return whole(s->user, LIMIT_LOGIN, text, n);
}

enum sasl_result sasl_password(struct sasl *s, const char *text, size_t n)
{
	return whole(s->password, LIMIT_PASSWORD, text, n);
}

void sasl_wipe(struct sasl *s)
{
	explicit_bzero(s, sizeof *s);
}
