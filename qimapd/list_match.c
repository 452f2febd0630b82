#include "list_match.h"

#include <string.h>

static int is_wild(char c)
{
	return c == '*' || c == '%';
}

static int add(struct pattern *m, const char *s)
{
	for (; *s != '\0'; s++) {
		char *last = m->n > 0 ? &m->p[m->n - 1] : NULL;

		if (last != NULL && is_wild(*last) && is_wild(*s)) {
			if (*s == '*')
				*last = '*';
			continue;
		}
		if (m->n == PATTERN_MAX)
			return -1;
		m->p[m->n++] = *s;
	}
	return 0;
}

void pattern_make(struct pattern *m, const char *reference, const char *pattern)
{
	m->n = 0;
	if (add(m, reference) == -1 || add(m, pattern) == -1)
		m->n = 0;
	memset(m->p + m->n, 0, PATTERN_PIECE);
}

/* Where in the pattern may the name be by now? A byte for each place: 0, or all bits. Sixteen
 * at a time: who has thousands of folders and asks with dozens of patterns waits less. */
typedef unsigned char bytes __attribute__((vector_size(PATTERN_PIECE)));
struct places {
	unsigned char at[PATTERN_MAX + 2 * PATTERN_PIECE];
};

static bytes load(const void *p)
{
	bytes b;

	memcpy(&b, p, sizeof b);
	return b;
}

static void store(unsigned char *p, bytes b)
{
	memcpy(p, &b, sizeof b);
}

/* A wildcard may also stand for nothing: what is reached in front of it is reached behind.
 * Never two of them follow each other. */
static int pass_wild(const struct pattern *m, const struct places *from,
		     struct places *to)
{
	bytes alive = {0};

	to->at[0] = from->at[0];
	alive[0] = from->at[0];
	for (size_t i = 0; i <= m->n; i += sizeof alive) {
		bytes p = load(m->p + i);
		bytes wild = (bytes)((p == '*') | (p == '%'));
		bytes next = load(from->at + i + 1) | (load(from->at + i) & wild);

		store(to->at + i + 1, next);
		alive |= next;
	}
	return memchr(&alive, 0xff, sizeof alive) != NULL;
}

/* The name goes on with c, or with other, which is as good. */
static int step(const struct pattern *m, struct places *places, char c, char other)
{
	struct places next;
	bytes dot = (bytes){0} + (unsigned char)(c == '.' ? 0 : 0xff);

	next.at[0] = 0;
	for (size_t i = 0; i <= m->n; i += sizeof dot) {
		bytes p = load(m->p + i);

		store(next.at + i + 1,
		      load(places->at + i) &
			  (bytes)((p == (unsigned char)c) | (p == (unsigned char)other)));
	}
	for (size_t i = 0; i <= m->n; i += sizeof dot) {
		bytes p = load(m->p + i);
		bytes stays = (bytes)(p == '*') | ((bytes)(p == '%') & dot);

		store(next.at + i, load(next.at + i) | (load(places->at + i) & stays));
	}
	return pass_wild(m, &next, places);
}

int pattern_matches(const struct pattern *m, const char *name)
{
	struct places first, places;
	int any_case = strcmp(name, "INBOX") == 0;

	if (m->n == 0)
		return 0;
	if (m->n == 1 && m->p[0] == '*')
		return 1;
	memset(first.at, 0, m->n + 2 * PATTERN_PIECE);
	memset(places.at, 0, m->n + 2 * PATTERN_PIECE);
	first.at[0] = 0xff;
	(void)pass_wild(m, &first, &places);
	for (; *name != '\0'; name++)
		if (!step(m, &places, *name, any_case ? (char)(*name | 0x20) : *name))
			return 0;
	return places.at[m->n] != 0;
}
