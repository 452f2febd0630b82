#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "messages.h"
#include "mime/charset.h"
#include "search.h"

/* What is open: it ends with its second operand (OR), its first (NOT), or a parenthesis. */
struct group {
	uint8_t op;
	uint16_t want, got; /* want 0: as many as come */
};

struct groups {
	struct group *g;
	size_t n;
};

static int fail(struct search *s, enum search_error e)
{
	if (s->error == 0)
		s->error = e;
	return -1;
}

static struct search_key *key_new(struct search *s, enum search_op op)
{
	struct search_key *k;

	if (s->n == SEARCH_KEYS) {
		(void)fail(s, SEARCH_LIMIT);
		return NULL;
	}
	k = &s->key[s->n++];
	*k = (struct search_key){.op = (uint8_t)op};
	return k;
}

static int group_open(struct search *s, struct groups *gs, enum search_op op,
		      uint16_t want)
{
	if (gs->n == SEARCH_DEPTH)
		return fail(s, SEARCH_LIMIT);
	gs->g[gs->n++] = (struct group){(uint8_t)op, want, 0};
	return 0;
}

static int group_end(struct search *s, struct groups *gs)
{
	struct group g = gs->g[--gs->n];
	struct search_key *k;

	if (g.op == SEARCH_AND && g.got == 1)
		return 0;
	k = key_new(s, g.op);
	if (k == NULL)
		return -1;
	k->args = g.got;
	return 0;
}

/* An operand is complete; what it completes besides. */
static int operand(struct search *s, struct groups *gs)
{
	while (gs->n > 0) {
		struct group *g = &gs->g[gs->n - 1];

		g->got++;
		if (g->want == 0 || g->got < g->want)
			return 0;
		if (group_end(s, gs) == -1)
			return -1;
	}
	return 0;
}

static int read_numbers(struct search *s, struct words *w)
{
	struct search_key *k = key_new(s, SEARCH_NUMBERS);

	if (k == NULL || set_read(&k->numbers, w, messages_last(0)) == -1)
		return -1;
	if (k->numbers.is_saved)
		k->op = SEARCH_UIDS;
	return 0;
}

static int is_set(int c)
{
	return (c >= '0' && c <= '9') || c == '*' || c == '$';
}

static int read_word(struct search *s, struct words *w, const char *word)
{
	struct search_key *k = key_new(s, SEARCH_ALL);

	return k == NULL ? -1 : search_read_key(s, k, w, word);
}

/* The beginning of a key: 1 it was a whole one, 0 a group was opened. */
static int read_some(struct search *s, struct groups *gs, struct words *w)
{
	struct text word;

	if (take_char(w, '(') == 0)
		return group_open(s, gs, SEARCH_AND, 0);
	if (is_set(words_peek(w)))
		return read_numbers(s, w) == 0 ? 1 : -1;
	if (take_atom(w, &word) == -1)
		return -1;
	if (strcasecmp(word.p, "NOT") == 0)
		return take_space(w) == -1 ? -1 : group_open(s, gs, SEARCH_NOT, 1);
	if (strcasecmp(word.p, "OR") == 0)
		return take_space(w) == -1 ? -1 : group_open(s, gs, SEARCH_OR, 2);
	return read_word(s, w, word.p) == 0 ? 1 : -1;
}

/* Parentheses that end behind a key, and the blank before the next: 1 it was the last. */
static int read_between(struct search *s, struct groups *gs, struct words *w)
{
	while (gs->n > 1 && gs->g[gs->n - 1].want == 0 && take_char(w, ')') == 0)
		if (group_end(s, gs) == -1 || operand(s, gs) == -1)
			return -1;
	if (gs->n == 1 && words_end(w))
		return 1;
	return take_space(w);
}

static int read_keys(struct search *s, struct words *w)
{
	struct group g[SEARCH_DEPTH];
	struct groups gs = {g, 0};
	int is_last = 0;

	if (group_open(s, &gs, SEARCH_AND, 0) == -1)
		return -1;
	while (!is_last) {
		int r = read_some(s, &gs, w);

		if (r == -1)
			return -1;
		if (r == 0)
			continue;
		if (operand(s, &gs) == -1)
			return -1;
		is_last = read_between(s, &gs, w);
		if (is_last == -1)
			return -1;
	}
	return group_end(s, &gs);
}

static int is_known(const char *charset)
{
	struct charset c;

	return charset_open(&c, charset, strlen(charset));
}

int search_read(struct search *s, struct words *w, const char *charset)
{
	*s = (struct search){.charset = charset};
	if (charset != NULL && !is_known(charset))
		return fail(s, SEARCH_CHARSET);
	s->key = malloc(SEARCH_KEYS * sizeof *s->key);
	if (s->key == NULL)
		return fail(s, SEARCH_LIMIT);
	if (read_keys(s, w) == -1)
		return fail(s, SEARCH_BAD);
	for (size_t k = 0; k < s->n; k++)
		if (s->key[k].op > SEARCH_NOT)
			s->costs |= 1U << s->key[k].cost;
	return 0;
}

void search_free(struct search *s)
{
	for (size_t k = 0; k < s->n; k++) {
		set_free(&s->key[k].numbers);
		needle_free(&s->key[k].needle);
	}
	free(s->key);
	*s = (struct search){0};
}

void search_refuse(struct command *c, const struct search *s)
{
	if (s->error == SEARCH_CHARSET)
		no(c, "BADCHARSET (US-ASCII UTF-8)", "that charset is not known");
	else if (s->error == SEARCH_LIMIT)
		no(c, "LIMIT", "that is too much for one search");
	else
		bad(c, "these are no search keys");
}
