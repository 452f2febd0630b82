#include "loops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alias.h"
#include "ascii.h"
#include "cursor.h"
#include "prog.h"
#include "route.h"

enum { NEW, ON_THE_WAY, DONE };

struct walk {
	struct alias *a;
	size_t n;
	struct route *route; /* NULL: control/ cannot be read, names alone count */
};

/* One alias on the way, and which of its targets is next. */
struct step {
	struct alias *a;
	struct cursor rest;
};

static int compare(const void *name, const void *alias)
{
	return strcmp(name, ((const struct alias *)alias)->name);
}

static void lower(char *s)
{
	ascii_copy_lower(s, s, strlen(s));
}

/* The alias that a target leads to, or NULL. */
static struct alias *follow(const struct walk *w, const char *target)
{
	char local[LIMIT_ADDRESS + 1];
	struct route_to to;

	if (w->route != NULL && route_address(w->route, target, &to, NULL, NULL) == 0) {
		if (to.kind != ROUTE_LOCAL)
			return NULL;
		target = to.local;
	}
	(void)snprintf(local, sizeof local, "%s", target);
	lower(local);
	return bsearch(local, w->a, w->n, sizeof *w->a, compare);
}

static struct step enter(struct alias *a)
{
	struct step s = {.a = a};

	a->state = ON_THE_WAY;
	cur_init(&s.rest, a->value, a->len);
	return s;
}

static struct alias *next_alias(const struct walk *w, struct step *s)
{
	struct alias_item item;

	while (alias_next(&s->rest, &item) == 1)
		if (item.kind == ALIAS_FORWARD) {
			struct alias *a = follow(w, item.text);

			if (a != NULL && a->state != DONE)
				return a;
		}
	return NULL;
}

static void tell(const struct step *way, size_t depth, const struct alias *back,
		 char *text, size_t size)
{
	size_t from = 0;
	size_t len = 0;

	while (way[from].a != back)
		from++;
	text[0] = '\0';
	for (size_t i = from; i < depth && len < size; i++) {
		int n = snprintf(text + len, size - len, "%s -> ", way[i].a->name);

		len += n > 0 ? (size_t)n : 0;
	}
	if (len < size)
		(void)snprintf(text + len, size - len, "%s", back->name);
}

/* All that can be reached from a, depth first; way has room for every alias. */
static int walk(const struct walk *w, struct alias *a, struct step *way, char *text,
		size_t size)
{
	size_t depth = 0;

	way[depth++] = enter(a);
	while (depth > 0) {
		struct alias *next = next_alias(w, &way[depth - 1]);

		if (next == NULL)
			way[--depth].a->state = DONE;
		else if (next->state == ON_THE_WAY) {
			tell(way, depth, next, text, size);
			return -1;
		} else
			way[depth++] = enter(next);
	}
	return 0;
}

const struct alias *loops_find(struct alias *a, size_t n, char *text, size_t size)
{
	struct walk w = {a, n, route_load()};
	struct step *way = reallocarray(NULL, n ? n : 1, sizeof *way);
	const struct alias *found = NULL;

	if (way == NULL)
		die_sys(EXIT_TEMP, "look for loops");
	if (w.route == NULL)
		warn_msg("loops over domains are not looked for: %s", route_error());
	for (size_t i = 0; i < n && found == NULL; i++)
		if (a[i].state == NEW && walk(&w, &a[i], way, text, size) == -1)
			found = &a[i];
	free(way);
	route_free(w.route);
	return found;
}
