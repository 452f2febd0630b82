#include "list_match.h"

#include <stdlib.h>
#include <string.h>

enum { BITS = 64 };

static int is_wild(char c)
{
	return c == '*' || c == '%';
}

static int add(struct pattern *p, const char *s)
{
	for (; *s != '\0'; s++) {
		char *last = p->n > 0 ? &p->p[p->n - 1] : NULL;

		if (last != NULL && is_wild(*last) && is_wild(*s)) {
			if (*s == '*')
				*last = '*';
			continue;
		}
		if (p->n == PATTERN_MAX)
			return -1;
		p->p[p->n++] = *s;
	}
	return 0;
}

void pattern_make(struct pattern *p, const char *reference, const char *pattern)
{
	p->n = 0;
	if (add(p, reference) == -1 || add(p, pattern) == -1)
		p->n = 0;
}

/* ---- one pattern, ready for many names ---- */

static uint64_t *row(const struct matcher *m, char c)
{
	return m->is + (unsigned char)c * m->words;
}

int matcher_make(struct matcher *m, const struct pattern *p)
{
	*m = (struct matcher){
	    .n = p->n, .words = p->n / BITS + 1, .is_all = p->n == 1 && p->p[0] == '*'};
	m->is = calloc(256 * m->words, sizeof *m->is);
	if (m->is == NULL)
		return -1;
	for (size_t i = 0; i < p->n; i++) {
		uint64_t bit = UINT64_C(1) << i % BITS;

		if (is_wild(p->p[i])) {
			m->wild[i / BITS] |= bit;
			m->star[i / BITS] |= p->p[i] == '*' ? bit : 0;
		} else {
			row(m, p->p[i])[i / BITS] |= bit;
			m->literals++;
		}
	}
	return 0;
}

void matcher_free(struct matcher *m)
{
	free(m->is);
	m->is = NULL;
}

/* Where in the pattern may the name be by now? A bit for each place; words behind last are 0,
 * those before first do not count. */
struct places {
	uint64_t at[MATCHER_WORDS];
	size_t first, last;
};

/* A "*" that is reached stays so: how the name came to it does not matter any more. */
static void forget_before_star(const struct matcher *m, struct places *places)
{
	for (size_t i = places->last + 1; i-- > places->first;) {
		uint64_t star = places->at[i] & m->star[i];

		if (star == 0)
			continue;
		places->at[i] &= ~UINT64_C(0) << (BITS - 1 - __builtin_clzll(star));
		places->first = i;
		return;
	}
}

/* The name goes on with c, or with other, which is as good. A wildcard may stand for nothing:
 * what is reached in front of it is reached behind. Never two of them follow each other. */
static int step(const struct matcher *m, struct places *places, char c, char other)
{
	const uint64_t *is = row(m, c);
	const uint64_t *is_other = row(m, other);
	const uint64_t *stays = c == '.' ? m->star : m->wild;
	size_t end = places->last + 2 < m->words ? places->last + 2 : m->words;
	size_t last = m->words; /* none */
	uint64_t over = 0;      /* from one word to the next */
	uint64_t behind = 0;

	for (size_t i = places->first; i < end; i++) {
		uint64_t was = places->at[i];
		uint64_t fits = was & (is[i] | is_other[i]);
		uint64_t now = fits << 1 | over | (was & stays[i]);
		uint64_t wild = now & m->wild[i];

		now |= wild << 1 | behind;
		over = fits >> (BITS - 1);
		behind = wild >> (BITS - 1);
		places->at[i] = now;
		if (now != 0)
			last = i;
	}
	if (last == m->words)
		return 0;
	places->last = last;
	forget_before_star(m, places);
	return 1;
}

int matcher_has(const struct matcher *m, const char *name)
{
	int any_case = strcmp(name, "INBOX") == 0;
	struct places places = {.first = 0};

	if (m->n == 0 || m->is_all)
		return m->n != 0;
	if (strlen(name) < m->literals)
		return 0;
	places.at[0] = 1 | (m->wild[0] & 1) << 1;
	for (; *name != '\0'; name++)
		if (!step(m, &places, *name, any_case ? (char)(*name | 0x20) : *name))
			return 0;
	return m->n / BITS <= places.last && m->n / BITS >= places.first &&
	       places.at[m->n / BITS] >> m->n % BITS & 1;
}
