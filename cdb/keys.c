#include "keys.h"

#include <stdlib.h>
#include <string.h>

#include "prog.h"
#include "text.h"

void keys_add(struct keys *k, char *name, unsigned line)
{
	if (k->count == k->cap) {
		size_t cap = k->cap ? 2 * k->cap : 256;
		struct key *bigger = reallocarray(k->key, cap, sizeof *bigger);

		if (bigger == NULL)
			die_sys(EXIT_TEMP, "keep all names");
		k->key = bigger;
		k->cap = cap;
	}
	k->key[k->count].name = name;
	k->key[k->count++].line = line;
}

static int compare(const void *a, const void *b)
{
	const struct key *x = a;
	const struct key *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : x->line < y->line ? -1 : x->line > y->line;
}

void keys_once(struct keys *k, const struct text *t)
{
	if (k->count > 0)
		qsort(k->key, k->count, sizeof *k->key, compare);
	for (size_t i = 1; i < k->count; i++)
		if (strcmp(k->key[i - 1].name, k->key[i].name) == 0)
			text_bad(t, k->key[i].line, "%s stands at line %u already",
				 k->key[i].name, k->key[i - 1].line);
}
