#include "parse.h"

#include <string.h>

#include "num.h"

/* The word at *at, which moves behind it. */
static char *word(char **at)
{
	char *p = *at + strspn(*at, " \t");
	char *end = p + strcspn(p, " \t");

	*at = *end != '\0' ? end + 1 : end;
	*end = '\0';
	return p;
}

void pop3_split(struct pop3_line *l, char *line)
{
	l->verb = word(&line);
	l->nargs = 0;
	for (char *p = word(&line); *p != '\0' && l->nargs <= POP3_ARGS;
	     p = word(&line)) {
		if (l->nargs < POP3_ARGS)
			l->arg[l->nargs] = p;
		l->nargs++;
	}
}

int pop3_number(const char *s, uint32_t max, uint32_t *n)
{
	uint64_t v;

	if (num_parse(s, max, &v) == -1)
		return -1;
	*n = (uint32_t)v;
	return 0;
}
