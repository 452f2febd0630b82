#include "notify_set.h"

#include <stdlib.h>
#include <string.h>

#include "fetch.h"

void notify_set_free(struct notify_set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct notify_group *g = &s->group[i];

		for (size_t k = 0; k < g->n; k++)
			free(g->name[k]);
		free(g->name);
		free(g->items);
	}
	*s = (struct notify_set){0};
}

/* ---- mailboxes ---- */

static int take_name(struct words *w, struct notify_group *g)
{
	char name[FOLDER_NAME + 1];

	if (g->n == NOTIFY_NAMES || take_mailbox(w, name) == -1)
		return -1;
	g->name[g->n] = strdup(name);
	return g->name[g->n++] != NULL ? 0 : -1;
}

static int take_names(struct words *w, struct notify_group *g)
{
	g->name = calloc(NOTIFY_NAMES + 1, sizeof *g->name);
	if (g->name == NULL || take_space(w) == -1)
		return -1;
	if (take_char(w, '(') == -1)
		return take_name(w, g);
	do {
		if (take_name(w, g) == -1)
			return -1;
	} while (take_space(w) == 0);
	return take_char(w, ')');
}

static int take_whom(struct words *w, struct notify_group *g)
{
	static const struct {
		const char *name;
		enum notify_whom whom;
	} all[] = {
	    {"SELECTED", WHOM_SELECTED},     {"SELECTED-DELAYED", WHOM_SELECTED_DELAYED},
	    {"INBOXES", WHOM_INBOXES},       {"PERSONAL", WHOM_PERSONAL},
	    {"SUBSCRIBED", WHOM_SUBSCRIBED}, {"SUBTREE", WHOM_SUBTREE},
	    {"MAILBOXES", WHOM_MAILBOXES}};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (take_word(w, all[i].name) == 0) {
			g->whom = all[i].whom;
			return g->whom < WHOM_SUBTREE ? 0 : take_names(w, g);
		}
	return -1;
}

/* ---- events ---- */

/* Where the parenthesis at w is closed, or 0. */
static size_t closing(const struct words *w)
{
	size_t depth = 0;
	int quoted = 0;

	for (size_t i = w->at; i < w->n; i++) {
		char c = w->p[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && c == '(')
			depth++;
		else if (!quoted && c == ')' && --depth == 0)
			return i + 1;
	}
	return 0;
}

/* MessageNew (items): tried now, kept as they are for later. */
static int take_items(struct words *w, struct notify_group *g)
{
	size_t end = closing(w);
	struct words items = {w->p + w->at, end - w->at, 0, w->utf8};
	struct fetch f;

	if (end == 0 || items.n > NOTIFY_ITEMS || g->items != NULL ||
	    (g->whom != WHOM_SELECTED && g->whom != WHOM_SELECTED_DELAYED) ||
	    fetch_read(&f, &items, 1) == -1)
		return -1;
	g->items = strndup(w->p + w->at, items.n);
	w->at = end;
	return g->items != NULL ? 0 : -1;
}

static enum notify_taken take_event(struct words *w, struct notify_group *g)
{
	static const struct {
		const char *name;
		unsigned event;
	} all[] = {{"MessageNew", EVENT_NEW},
		   {"MessageExpunge", EVENT_EXPUNGE},
		   {"FlagChange", EVENT_FLAG},
		   {"MailboxName", EVENT_NAME},
		   {"SubscriptionChange", EVENT_SUBSCRIPTION}};
	struct text other;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		size_t at;

		if (take_word(w, all[i].name) == -1)
			continue;
		g->events |= all[i].event;
		at = w->at;
		if (all[i].event == EVENT_NEW && take_space(w) == 0) {
			if (words_peek(w) == '(')
				return take_items(w, g) == 0 ? TAKEN : TAKEN_NOT;
			w->at = at;
		}
		return TAKEN;
	}
	return take_atom(w, &other) == 0 ? TAKEN_BAD_EVENT : TAKEN_NOT;
}

/* RFC 5465 5: new and expunged messages go together, flags want both; what is selected has
 * no name to change. */
static int is_sound(const struct notify_group *g)
{
	unsigned e = g->events;
	int both = (e & EVENT_NEW) && (e & EVENT_EXPUNGE);

	if ((e & EVENTS_MESSAGE) && !both)
		return 0;
	return g->whom > WHOM_SELECTED_DELAYED ||
	       !(e & (EVENT_NAME | EVENT_SUBSCRIPTION));
}

static enum notify_taken take_events(struct words *w, struct notify_group *g)
{
	enum notify_taken all = TAKEN;

	if (take_word(w, "NONE") == 0)
		return TAKEN;
	if (take_char(w, '(') == -1)
		return TAKEN_NOT;
	do {
		enum notify_taken r = take_event(w, g);

		if (r == TAKEN_NOT)
			return r;
		if (r == TAKEN_BAD_EVENT)
			all = r;
	} while (take_space(w) == 0);
	if (take_char(w, ')') == -1)
		return TAKEN_NOT;
	return all == TAKEN && !is_sound(g) ? TAKEN_NOT : all;
}

enum notify_taken notify_set_take(struct notify_set *s, struct words *w)
{
	enum notify_taken all = TAKEN;

	if (take_word(w, "STATUS") == 0) {
		s->with_status = 1;
		if (take_space(w) == -1)
			return TAKEN_NOT;
	}
	do {
		enum notify_taken r;
		struct notify_group *g;

		if (s->n == NOTIFY_GROUPS || take_char(w, '(') == -1)
			return TAKEN_NOT;
		g = &s->group[s->n++];
		if (take_whom(w, g) == -1 || take_space(w) == -1)
			return TAKEN_NOT;
		r = take_events(w, g);
		if (r == TAKEN_NOT || take_char(w, ')') == -1)
			return TAKEN_NOT;
		if (r == TAKEN_BAD_EVENT)
			all = r;
	} while (take_space(w) == 0);
	return words_end(w) ? all : TAKEN_NOT;
}

/* ---- asked ---- */

static int is_below(const char *name, const char *top)
{
	size_t n = strlen(top);

	return strncmp(name, top, n) == 0 && (name[n] == '\0' || name[n] == '.');
}

static int has(const struct notify_group *g, const struct folder *f)
{
	switch (g->whom) {
	case WHOM_SELECTED:
	case WHOM_SELECTED_DELAYED:
		return 0;
	case WHOM_INBOXES:
		return strcmp(f->name, "INBOX") == 0;
	case WHOM_PERSONAL:
		return 1;
	case WHOM_SUBSCRIBED:
		return (f->bits & FOLDER_SUBSCRIBED) != 0;
	case WHOM_SUBTREE:
	case WHOM_MAILBOXES:
		break;
	}
	for (size_t i = 0; i < g->n; i++)
		if (g->whom == WHOM_SUBTREE ? is_below(f->name, g->name[i])
					    : strcmp(f->name, g->name[i]) == 0)
			return 1;
	return 0;
}

unsigned notify_set_events(const struct notify_set *s, const struct folder *f)
{
	for (size_t i = 0; i < s->n; i++)
		if (has(&s->group[i], f))
			return s->group[i].events;
	return 0;
}

const struct notify_group *notify_set_selected(const struct notify_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->group[i].whom <= WHOM_SELECTED_DELAYED)
			return &s->group[i];
	return NULL;
}
