#include "list_match.h"

#include <string.h>
#include <strings.h>

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
		if (m->n == sizeof m->p)
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
}

/* A wildcard may also stand for nothing: what is reached in front of it is reached behind. */
static void pass_wild(const struct pattern *m, char *at)
{
	for (size_t i = 0; i < m->n; i++)
		if (at[i] && is_wild(m->p[i]))
			at[i + 1] = 1;
}

static int step(const struct pattern *m, char *at, char c, int any_case)
{
	int alive = 0;
	char old = at[0];

	at[0] = 0;
	for (size_t i = 0; i < m->n; i++) {
		char here = old;
		char p = m->p[i];

		old = at[i + 1];
		at[i + 1] = 0;
		if (!here)
			continue;
		if (is_wild(p))
			at[i] |= p == '*' || c != '.';
		else
			at[i + 1] = p == c || (any_case && strncasecmp(&p, &c, 1) == 0);
		alive |= at[i] | at[i + 1];
	}
	pass_wild(m, at);
	return alive;
}

int pattern_matches(const struct pattern *m, const char *name)
{
	char at[PATTERN_MAX + 1];
	int any_case = strcmp(name, "INBOX") == 0;

	if (m->n == 0)
		return 0;
	if (m->n == 1 && m->p[0] == '*')
		return 1;
	memset(at, 0, m->n + 1);
	at[0] = 1;
	pass_wild(m, at);
	for (; *name != '\0'; name++)
		if (!step(m, at, *name, any_case))
			return 0;
	return at[m->n];
}
