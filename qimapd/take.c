#include "take.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "utf8.h"

int words_peek(const struct words *w)
{
	return w->at < w->n ? (unsigned char)w->p[w->at] : -1;
}

int words_end(const struct words *w)
{
	return w->at == w->n;
}

int take_char(struct words *w, char c)
{
	if (w->at == w->n || w->p[w->at] != c)
		return -1;
	w->at++;
	return 0;
}

int take_space(struct words *w)
{
	return take_char(w, ' ');
}

/* RFC 9051 9: ATOM-CHAR, and what a kind of word may have besides. */
static int is_atom(int c)
{
	return c > ' ' && c < 0x7f && strchr("(){%*\"\\]", c) == NULL;
}

static int is_astring(int c)
{
	return is_atom(c) || c == ']';
}

static int is_pattern(int c)
{
	return is_astring(c) || c == '%' || c == '*';
}

static int keep(struct text *t, const char *p, size_t n)
{
	char *copy = take_keep(n + 1);

	if (copy == NULL)
		return -1;
	memcpy(copy, p, n);
	copy[n] = '\0';
	t->p = copy;
	t->n = n;
	return 0;
}

static int take_run(struct words *w, int (*is)(int c), struct text *t)
{
	size_t end = w->at;

	while (end < w->n && is((unsigned char)w->p[end]))
		end++;
	if (end == w->at || keep(t, w->p + w->at, end - w->at) == -1)
		return -1;
	w->at = end;
	return 0;
}

int take_atom(struct words *w, struct text *t)
{
	return take_run(w, is_atom, t);
}

int take_word(struct words *w, const char *word)
{
	size_t n = strlen(word);

	if (w->n - w->at < n || strncasecmp(w->p + w->at, word, n) != 0 ||
	    (w->n - w->at > n && is_atom((unsigned char)w->p[w->at + n])))
		return -1;
	w->at += n;
	return 0;
}

/* Where the text of a quoted string ends, or 0: it does not. */
static size_t quoted_end(const struct words *w)
{
	size_t i = w->at + 1;

	for (; i < w->n && w->p[i] != '"'; i++) {
		if (w->p[i] == '\\' &&
		    (++i == w->n || (w->p[i] != '"' && w->p[i] != '\\')))
			return 0;
		if (w->p[i] == '\r' || w->p[i] == '\n' || w->p[i] == '\0')
			return 0;
	}
	return i < w->n ? i : 0;
}

/* "text": nothing but the quote and the backslash is escaped; 8-bit is UTF-8. */
static int take_quoted(struct words *w, struct text *t)
{
	size_t end = quoted_end(w);
	char *out;
	size_t n = 0;

	if (end == 0 || (out = take_keep(end - w->at)) == NULL)
		return -1;
	for (size_t i = w->at + 1; i < end; i++) {
		if (w->p[i] == '\\')
			i++;
		out[n++] = w->p[i];
	}
	if (!utf8_is_valid(out, n))
		return -1;
	out[n] = '\0';
	t->p = out;
	t->n = n;
	w->at = end + 1;
	return 0;
}

/* {N}CRLF or {N+}CRLF; in.c has seen to it that the bytes are there. */
static int take_literal(struct words *w, struct text *t)
{
	size_t i = w->at + 1;
	size_t n = 0;

	for (; i < w->n && w->p[i] >= '0' && w->p[i] <= '9'; i++) {
		n = n * 10 + (size_t)(w->p[i] - '0');
		if (n > w->n)
			return -1;
	}
	if (i == w->at + 1)
		return -1;
	if (i < w->n && w->p[i] == '+')
		i++;
	if (w->n - i < 3 || memcmp(w->p + i, "}\r\n", 3) != 0 || w->n - i - 3 < n ||
	    keep(t, w->p + i + 3, n) == -1)
		return -1;
	w->at = i + 3 + n;
	return 0;
}

int take_string(struct words *w, struct text *t)
{
	size_t at = w->at;

	if (words_peek(w) == '"')
		return take_quoted(w, t);
	if (words_peek(w) != '{' || take_literal(w, t) == -1)
		return -1;
	if (memchr(t->p, '\0', t->n) == NULL)
		return 0;
	w->at = at;
	return -1;
}

static int is_string(const struct words *w)
{
	int c = words_peek(w);

	return c == '"' || c == '{';
}

int take_astring(struct words *w, struct text *t)
{
	return is_string(w) ? take_string(w, t) : take_run(w, is_astring, t);
}

int take_pattern(struct words *w, struct text *t)
{
	return is_string(w) ? take_string(w, t) : take_run(w, is_pattern, t);
}

int take_nstring(struct words *w, struct text *t)
{
	if (is_string(w))
		return take_string(w, t);
	t->p = NULL;
	t->n = 0;
	return take_word(w, "NIL");
}
