#include "mime/mime_param_int.h"

void mime_words_init(struct mime_words *w, const char *p, size_t n)
{
	*w = (struct mime_words){p, n, 0};
}

static int is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0';
}

/* RFC 2045 5.1; bytes over 127 are let through, they come. */
static int is_token(char c)
{
	static const char special[128] = {
	    ['('] = 1, [')'] = 1, ['<'] = 1, ['>'] = 1, ['@'] = 1,  [','] = 1,
	    [';'] = 1, [':'] = 1, ['"'] = 1, ['/'] = 1, ['\\'] = 1, ['['] = 1,
	    [']'] = 1, ['?'] = 1, ['='] = 1, [127] = 1,
	};
	unsigned char u = (unsigned char)c;

	return u > ' ' && (u > 127 || !special[u]);
}

size_t mime_comment(const char *p, size_t n)
{
	size_t depth = 0, i = 0;

	while (i < n) {
		char c = p[i++];

		if (c == '\\' && i < n)
			i++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			break;
	}
	return i;
}

static void skip_blanks(struct mime_words *w)
{
	while (w->at < w->n) {
		if (w->p[w->at] == '(')
			w->at += mime_comment(w->p + w->at, w->n - w->at);
		else if (is_space(w->p[w->at]))
			w->at++;
		else
			return;
	}
}

static int take_char(struct mime_words *w, char c)
{
	if (w->at == w->n || w->p[w->at] != c)
		return 0;
	w->at++;
	return 1;
}

int mime_words_token(struct mime_words *w, struct mime_span *token)
{
	size_t start;

	skip_blanks(w);
	start = w->at;
	while (w->at < w->n && is_token(w->p[w->at]))
		w->at++;
	*token = (struct mime_span){w->p + start, w->at - start};
	skip_blanks(w);
	return token->n > 0 ? 0 : -1;
}

int mime_words_type(struct mime_words *w, struct mime_span *type, struct mime_span *sub)
{
	if (mime_words_token(w, type) == -1 || !take_char(w, '/'))
		return -1;
	return mime_words_token(w, sub);
}

/* Behind the opening quote, to behind the closing one. */
static struct mime_span take_quoted(struct mime_words *w)
{
	struct mime_span inside = {w->p + w->at, 0};

	while (w->at < w->n && w->p[w->at] != '"')
		w->at += 1 + (w->p[w->at] == '\\' && w->at + 1 < w->n);
	inside.n = (size_t)(w->p + w->at - inside.p);
	w->at += w->at < w->n;
	return inside;
}

static struct mime_span take_bare(struct mime_words *w)
{
	size_t start = w->at;

	while (w->at < w->n && w->p[w->at] != ';' && !is_space(w->p[w->at]))
		w->at++;
	return (struct mime_span){w->p + start, w->at - start};
}

/* Behind the next semicolon that stands in no quotes and no comment. */
static int next_semicolon(struct mime_words *w)
{
	for (skip_blanks(w); w->at < w->n; skip_blanks(w)) {
		char c = w->p[w->at++];

		if (c == ';')
			return 1;
		if (c == '"')
			(void)take_quoted(w);
	}
	return 0;
}

int mime_words_list(struct mime_words *w, struct mime_span *word)
{
	while (skip_blanks(w), w->at < w->n) {
		if (mime_words_token(w, word) == 0)
			return 1;
		w->at++;
	}
	return 0;
}

int mime_words_raw(struct mime_words *w, struct mime_raw *r)
{
	while (next_semicolon(w)) {
		if (mime_words_token(w, &r->name) == -1 || !take_char(w, '='))
			continue;
		skip_blanks(w);
		r->quoted = take_char(w, '"');
		r->value = r->quoted ? take_quoted(w) : take_bare(w);
		return 1;
	}
	return 0;
}
