#include "alist822.h"

#include <errno.h>
#include <string.h>

#include "sbuf.h"

/* A token is a word, a special (its own character) or one of these. */
enum { END = 0, ATOM = 'a', QUOTED = 'q', LITERAL = 'l', BAD = 'b' };

struct token {
	int type;
	size_t start;
	size_t end;
};

void alist822_init(struct alist822 *l, const char *p, size_t n)
{
	*l = (struct alist822){.p = p, .n = n};
}

static int is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int is_special(char c)
{
	static const char special[256] = {
	    ['('] = 1, [')'] = 1, ['<'] = 1, ['>'] = 1, ['['] = 1,  [']'] = 1, [':'] = 1,
	    [';'] = 1, ['@'] = 1, [','] = 1, ['.'] = 1, ['\\'] = 1, ['"'] = 1,
	};

	return special[(unsigned char)c];
}

static int is_atom(char c)
{
	unsigned char u = (unsigned char)c;

	return u > 0x20 && u != 0x7f && !is_special(c);
}

/* From an opening character to its end, quoted pairs honoured; at most one kind of
 * nesting, counted. 0, or -1 if it never ends. */
static int skip_enclosed(struct alist822 *l, char open, char close)
{
	size_t depth = 0;

	while (l->at < l->n) {
		char c = l->p[l->at++];

		if (c == '\\' && l->at < l->n)
			l->at++;
		else if (c == close && (open != close || depth > 0)) {
			if (--depth == 0)
				return 0;
		} else if (c == open)
			depth++;
	}
	return -1;
}

/* RFC 5322 3.2.2: CFWS. */
static int skip_comments(struct alist822 *l)
{
	for (;;) {
		size_t start;

		while (l->at < l->n && is_space(l->p[l->at]))
			l->at++;
		if (l->at == l->n || l->p[l->at] != '(')
			return 0;
		start = l->at;
		if (skip_enclosed(l, '(', ')') == -1)
			return -1;
		l->comment = start;
		l->comment_end = l->at;
	}
}

static int word_type(struct alist822 *l)
{
	char c = l->p[l->at];

	if (c == '"')
		return skip_enclosed(l, '"', '"') == -1 ? BAD : QUOTED;
	if (c == '[')
		return skip_enclosed(l, '[', ']') == -1 ? BAD : LITERAL;
	if (c == '\\' || c == ')' || c == ']')
		return BAD;
	if (is_special(c)) {
		l->at++;
		return c;
	}
	if (!is_atom(c))
		return BAD;
	while (l->at < l->n && is_atom(l->p[l->at]))
		l->at++;
	return ATOM;
}

static struct token next_token(struct alist822 *l)
{
	struct token t = {BAD, 0, 0};

	if (skip_comments(l) == -1)
		return t;
	t.start = l->at;
	t.type = l->at < l->n ? word_type(l) : END;
	t.end = l->at;
	return t;
}

/* addr-spec, fed token by token. Dots in a local part may stand anywhere: mailboxes
 * with two in a row exist. */
enum spec_state { NOTHING, WORD, DOT, PHRASE, AT, NAME, NAME_DOT, LITERAL_DOMAIN, WRONG };

static int is_word(const struct token *t)
{
	return t->type == ATOM || t->type == QUOTED;
}

static enum spec_state after_local(enum spec_state s, const struct token *t)
{
	if (t->type == '.')
		return s == PHRASE ? PHRASE : DOT;
	if (t->type == '@')
		return s == WORD || s == DOT ? AT : WRONG;
	if (!is_word(t))
		return WRONG;
	return s == NOTHING || s == DOT ? WORD : PHRASE;
}

static enum spec_state after_domain(enum spec_state s, const struct token *t)
{
	if (s == AT && t->type == LITERAL)
		return LITERAL_DOMAIN;
	if ((s == AT || s == NAME_DOT) && t->type == ATOM)
		return NAME;
	return s == NAME && t->type == '.' ? NAME_DOT : WRONG;
}

struct spec {
	enum spec_state state;
	struct mailbox822 m;
};

static void spec_feed(struct spec *s, const struct token *t)
{
	enum spec_state before = s->state;

	s->state = before <= PHRASE ? after_local(before, t) : after_domain(before, t);
	if (before == NOTHING)
		s->m.start = t->start;
	if (s->state == WORD || s->state == DOT)
		s->m.local_end = t->end;
	if (before == AT)
		s->m.domain = t->start;
	if (s->state != AT)
		s->m.end = t->end;
}

static int spec_complete(const struct spec *s)
{
	/* A final dot of a domain (NAME_DOT) is the root of the DNS. */
	return s->state == WORD || s->state == DOT || s->state == NAME ||
	       s->state == NAME_DOT || s->state == LITERAL_DOMAIN;
}

/* RFC 5322 4.4: <@relay,@relay:user@host>; t is the first @. */
static int skip_route(struct alist822 *l, struct token *t, struct mailbox822 *name)
{
	name->route = t->start;
	while (t->type == '@' || t->type == ',' || t->type == '.' || t->type == ATOM ||
	       t->type == LITERAL) {
		name->route_end = t->end;
		*t = next_token(l);
	}
	if (t->type != ':')
		return -1;
	*t = next_token(l);
	return 0;
}

/* Behind a `<`, to behind its `>` and the separator that must follow. */
static int angle(struct alist822 *l, struct spec *s, struct token *t)
{
	struct mailbox822 name = {.name = s->m.start, .name_end = s->m.end};

	*s = (struct spec){NOTHING, {0}};
	*t = next_token(l);
	if (t->type == '@' && skip_route(l, t, &name) == -1)
		return -1;
	s->m = name;
	s->m.start = s->m.local_end = s->m.end = t->start;
	while (t->type != '>' && t->type != END && t->type != BAD) {
		spec_feed(s, t);
		*t = next_token(l);
	}
	if (t->type != '>' || (s->state != NOTHING && !spec_complete(s)))
		return -1;
	s->state = WORD;
	*t = next_token(l);
	return 0;
}

static int is_separator(int type)
{
	return type == ',' || type == ';' || type == END;
}

/* Is what came before this colon a group's name? */
static int is_group_name(const struct alist822 *l, const struct spec *s)
{
	return !l->in_group && s->state != NOTHING && s->state <= PHRASE;
}

/* One item with its separator in *t, a colon behind a group's name: 0, or -1. */
static int item(struct alist822 *l, struct spec *s, struct token *t)
{
	*s = (struct spec){NOTHING, {0}};
	l->comment = l->comment_end = 0;
	for (*t = next_token(l); !is_separator(t->type); *t = next_token(l)) {
		if (t->type == '<')
			return angle(l, s, t) == 0 && is_separator(t->type) ? 0 : -1;
		if (t->type == ':')
			return is_group_name(l, s) ? 0 : -1;
		if (t->type == BAD || t->type == '>')
			return -1;
		spec_feed(s, t);
	}
	return s->state == NOTHING || spec_complete(s) ? 0 : -1;
}

/* alist822.in_group; behind: the mailbox that was given is the last of the group. */
enum { IN_GROUP = 1, BEHIND_GROUP = 2 };

static int group_begins(struct alist822 *l, const struct spec *s, struct mailbox822 *m)
{
	*m = (struct mailbox822){.name = s->m.start, .name_end = s->m.end};
	l->in_group = IN_GROUP;
	return ALIST822_GROUP;
}

static int group_ends(struct alist822 *l)
{
	l->in_group = 0;
	return ALIST822_GROUP_END;
}

static int mailbox(const struct alist822 *l, const struct spec *s, struct mailbox822 *m)
{
	*m = s->m;
	m->comment = l->comment;
	m->comment_end = l->comment_end;
	return ALIST822_MAILBOX;
}

int alist822_item(struct alist822 *l, struct mailbox822 *m)
{
	struct spec s;
	struct token t;

	if (l->in_group == BEHIND_GROUP)
		return group_ends(l);
	do {
		if (item(l, &s, &t) == -1) {
			errno = EINVAL;
			return -1;
		}
		if (t.type == ':')
			return group_begins(l, &s, m);
		if (l->in_group && t.type != ',') {
			l->in_group = BEHIND_GROUP;
			if (s.state == NOTHING)
				return group_ends(l);
		}
		if (s.state != NOTHING)
			return mailbox(l, &s, m);
	} while (t.type != END);
	return 0;
}

int alist822_next(struct alist822 *l, struct mailbox822 *m)
{
	int r;

	do
		r = alist822_item(l, m);
	while (r == ALIST822_GROUP || r == ALIST822_GROUP_END);
	return r;
}

/* The inside of a quoted string or literal; line ends of folding are dropped. */
static int unquote(const char *p, size_t n, struct sbuf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n' || p[i] == '\r')
			continue;
		if (p[i] == '\\' && i + 1 < n)
			i++;
		if (sbuf_catc(out, p[i]) == -1)
			return -1;
	}
	return 0;
}

int mailbox822_address(const char *p, const struct mailbox822 *m, struct sbuf *out)
{
	struct alist822 l = {.p = p, .n = m->end, .at = m->start};

	for (struct token t = next_token(&l); t.type != END && t.type != BAD;
	     t = next_token(&l)) {
		size_t n = t.end - t.start;
		int r;

		if (t.type == QUOTED)
			r = unquote(p + t.start + 1, n - 2, out);
		else
			r = sbuf_cat(out, p + t.start, n);
		if (r == -1)
			return -1;
	}
	return 0;
}
