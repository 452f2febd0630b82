#include "login_parse.h"

#include <stdint.h>
#include <string.h>

enum { DIGITS_MAX = 9 };

/* ATOM-CHAR */
static int is_atom(unsigned char c)
{
	return c > 0x20 && c < 0x7f && strchr("(){%*\"\\]", c) == NULL;
}

/* ASTRING-CHAR; bytes of UTF-8 are taken too: passwords typed by people. */
static int is_astring(unsigned char c)
{
	return is_atom(c) || c == ']' || c >= 0x80;
}

static int is_tag(const char *p, size_t n)
{
	if (n == 0 || n > LIMIT_TAG)
		return 0;
	for (; n > 0; p++, n--)
		if (*p == '+' || !(is_atom((unsigned char)*p) || *p == ']'))
			return 0;
	return 1;
}

static int is_verb(const char *p, size_t n)
{
	if (n == 0)
		return 0;
	for (; n > 0; p++, n--)
		if (!is_atom((unsigned char)*p))
			return 0;
	return 1;
}

int command_split(struct command *c, char *p, size_t n)
{
	char *end = p + n;
	char *blank = memchr(p, ' ', n);

	if (blank == NULL || !is_tag(p, (size_t)(blank - p)))
		return -1;
	*blank = '\0';
	c->tag = p;
	c->verb = blank + 1;
	blank = memchr(c->verb, ' ', (size_t)(end - c->verb));
	if (!is_verb(c->verb, (size_t)((blank != NULL ? blank : end) - c->verb)))
		return -1;
	if (blank != NULL)
		*blank = '\0';
	c->args = blank != NULL ? blank + 1 : end;
	c->nargs = (size_t)(end - c->args);
	return 0;
}

static int put(char *out, size_t size, size_t *len, char c)
{
	if (*len + 1 >= size || c == '\0')
		return -1;
	out[(*len)++] = c;
	return 0;
}

/* Behind the first quote; how many bytes it took, or -1. */
static long take_quoted(const char *p, size_t n, char *out, size_t size)
{
	size_t len = 0;
	size_t i = 0;

	for (; i < n && p[i] != '"'; i++) {
		if (p[i] == '\\' && (++i == n || (p[i] != '"' && p[i] != '\\')))
			return -1;
		if (put(out, size, &len, p[i]) == -1)
			return -1;
	}
	out[len] = '\0';
	return i < n ? (long)i + 1 : -1;
}

/* From { on; the announcement is followed by CR LF and the bytes. */
static long take_literal(const char *p, size_t n, char *out, size_t size)
{
	const char *lf = memchr(p, '\n', n);
	struct literal l;
	size_t head;

	if (lf == NULL || lf - p < 2 || !literal_at_end(&l, p, (size_t)(lf - p) - 1))
		return -1;
	head = (size_t)(lf - p) + 1;
	if (l.n > n - head || l.n >= size || memchr(p + head, '\0', l.n) != NULL)
		return -1;
	memcpy(out, p + head, l.n);
	out[l.n] = '\0';
	return (long)(head + l.n);
}

static long take_atom(const char *p, size_t n, char *out, size_t size)
{
	size_t len = 0;

	while (len < n && is_astring((unsigned char)p[len]))
		len++;
	if (len == 0 || len >= size)
		return -1;
	memcpy(out, p, len);
	out[len] = '\0';
	return (long)len;
}

int command_astring(const char **p, size_t *n, char *out, size_t size)
{
	size_t quote = *n > 0 && **p == '"';
	long taken;

	if (quote)
		taken = take_quoted(*p + 1, *n - 1, out, size);
	else if (*n > 0 && **p == '{')
		taken = take_literal(*p, *n, out, size);
	else
		taken = take_atom(*p, *n, out, size);
	if (taken == -1)
		return -1;
	*p += (size_t)taken + quote;
	*n -= (size_t)taken + quote;
	return 0;
}

static size_t number(const char *digits, size_t n)
{
	size_t v = 0;

	while (n > 0 && *digits == '0') {
		digits++;
		n--;
	}
	if (n > DIGITS_MAX)
		return SIZE_MAX;
	for (; n > 0; digits++, n--)
		v = v * 10 + (size_t)(*digits - '0');
	return v;
}

int literal_at_end(struct literal *l, const char *line, size_t n)
{
	const char *digits;
	const char *end;

	if (n < 3 || line[n - 1] != '}')
		return 0;
	l->plus = line[n - 2] == '+';
	end = line + n - 1 - l->plus;
	for (digits = end; digits > line && digits[-1] >= '0' && digits[-1] <= '9';)
		digits--;
	if (digits == end || digits == line || digits[-1] != '{')
		return 0;
	l->n = number(digits, (size_t)(end - digits));
	return 1;
}
