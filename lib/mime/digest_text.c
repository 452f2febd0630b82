#include <stdio.h>
#include <string.h>

#include "mime/digest_int.h"
#include "mime/parse_int.h"

enum {
	QUOTED_MAX = 4096, /* longer strings become literals */
	LITERAL_HEAD = 32
};

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

static void trim(const char **p, size_t *n)
{
	while (*n > 0 && is_blank(**p)) {
		++*p;
		--*n;
	}
	while (*n > 0 && is_blank((*p)[*n - 1]))
		--*n;
}

/* What becomes of p[i] (RFC 5322 2.2.3): -1 nothing. Where a line began with a tab a blank is meant, as
 * old mailers folded so; a lone CR must not stand in a string. */
static int unfolded(const char *p, size_t n, size_t i)
{
	if (p[i] == '\n' || p[i] == '\0')
		return -1;
	if (p[i] == '\r')
		return i + 1 < n && p[i + 1] == '\n' ? -1 : ' ';
	if (p[i] == '\t' && i > 0 && p[i - 1] == '\n')
		return ' ';
	return (unsigned char)p[i];
}

/* To out, which has room for n. */
static size_t unfold(char *out, const char *p, size_t n)
{
	char *o = out;

	for (size_t i = 0; i < n; i++) {
		int c = unfolded(p, n, i);

		if (c != -1)
			*o++ = (char)c;
	}
	return (size_t)(o - out);
}

int digest_unfold(struct sbuf *out, const char *p, size_t n)
{
	trim(&p, &n);
	if (sbuf_reserve(out, n) == -1)
		return -1;
	out->len += unfold(out->p + out->len, p, n);
	return 0;
}

/* Stands for itself in a quoted string and in an unfolded text. */
static int is_plain(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= ' ' && u < 127 && u != '"' && u != '\\';
}

/* Copies n bytes as long as they are plain; how many. */
static size_t copy_plain(char *to, const char *p, size_t n)
{
	size_t i = 0;

	for (; i < n && is_plain(p[i]); i++)
		to[i] = p[i];
	return i;
}

static int is_ascii(const char *p, size_t n)
{
	unsigned char all = 0;

	for (size_t i = 0; i < n; i++)
		all |= (unsigned char)p[i];
	return all < 128;
}

/* To out, which has room for 2 * n + 2. */
static size_t quote(char *out, const char *p, size_t n)
{
	char *o = out;

	*o++ = '"';
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			*o++ = '\\';
		*o++ = p[i];
	}
	*o++ = '"';
	return (size_t)(o - out);
}

/* To out, which has room for n and LITERAL_HEAD more; p may be in it, behind that. */
static size_t literal(char *out, const char *p, size_t n)
{
	int head = snprintf(out, LITERAL_HEAD, "{%zu}\r\n", n);

	memmove(out + head, p, n);
	return (size_t)head + n;
}

/* The unfolded text is made behind the place where the string will end. */
static int special_string(struct sbuf *out, const char *p, size_t n)
{
	char *to, *text;

	if (sbuf_reserve(out, 3 * n + LITERAL_HEAD) == -1)
		return -1;
	to = out->p + out->len;
	text = to + 2 * n + LITERAL_HEAD;
	n = unfold(text, p, n);
	if (n > QUOTED_MAX || !is_ascii(text, n))
		out->len += literal(to, text, n);
	else
		out->len += quote(to, text, n);
	return 0;
}

int digest_string(struct sbuf *out, const char *p, size_t n)
{
	char *to;

	if (n > QUOTED_MAX)
		return special_string(out, p, n);
	if (sbuf_reserve(out, n + 2) == -1)
		return -1;
	to = out->p + out->len;
	if (copy_plain(to + 1, p, n) < n)
		return special_string(out, p, n);
	to[0] = to[n + 1] = '"';
	out->len += n + 2;
	return 0;
}

int digest_trimmed(struct sbuf *out, const char *p, size_t n)
{
	trim(&p, &n);
	return digest_string(out, p, n);
}

int digest_field(struct sbuf *out, const struct mime *m, uint32_t part,
		 enum mime_name name)
{
	const struct mime_found *f = mime_found(m, part, name);

	if (f == NULL)
		return sbuf_cat(out, "NIL", 3);
	return digest_trimmed(out, mime_head_text(m, part) + f->at, f->end - f->at);
}
