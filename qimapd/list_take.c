#include "list_take.h"

#include "maildir/utf7.h"
#include "status.h"

static const struct word {
	const char *name;
	unsigned bit;
} selections[] = {{"SUBSCRIBED", SELECT_SUBSCRIBED},
		  {"REMOTE", SELECT_REMOTE},
		  {"RECURSIVEMATCH", SELECT_RECURSIVE},
		  {"SPECIAL-USE", SELECT_USE},
		  {0}},
  returns[] = {{"SUBSCRIBED", RETURN_SUBSCRIBED},
	       {"CHILDREN", RETURN_CHILDREN},
	       {"SPECIAL-USE", RETURN_USE},
	       {"STATUS", RETURN_STATUS},
	       {0}};

static int take_option(struct words *w, const struct word *all, struct list *l)
{
	for (; all->name != NULL; all++)
		if (take_word(w, all->name) == 0) {
			l->words |= all->bit;
			return all->bit != RETURN_STATUS ? 0
			       : take_space(w) == -1     ? -1
							 : status_take(w, &l->status);
		}
	return -1;
}

static int take_options(struct words *w, const struct word *all, struct list *l)
{
	int first = 1;

	if (take_char(w, '(') == -1)
		return -1;
	for (; words_peek(w) != ')'; first = 0)
		if ((!first && take_space(w) == -1) || take_option(w, all, l) == -1)
			return -1;
	l->is_extended = 1;
	return take_char(w, ')');
}

/* As the session writes names; one that is no name matches nothing. */
static void add_pattern(const struct words *w, struct list *l, const struct text *t)
{
	char reference[FOLDER_NAME + 1];
	char utf8[PATTERN_MAX + 1];
	struct pattern *m = &l->pattern[l->npatterns++];

	m->n = 0;
	if (t->n == 0)
		l->asks_delimiter = 1;
	else if (w->utf8)
		pattern_make(m, l->reference.p, t->p);
	else if (utf7_to_utf8(reference, sizeof reference, l->reference.p,
			      l->reference.n) == 0 &&
		 utf7_to_utf8(utf8, sizeof utf8, t->p, t->n) == 0)
		pattern_make(m, reference, utf8);
}

static int take_patterns(struct words *w, struct list *l)
{
	int many = take_char(w, '(') == 0;
	struct text t;

	l->pattern = take_keep((many ? LIST_PATTERNS : 1) * sizeof *l->pattern);
	if (l->pattern == NULL)
		return -1;
	l->is_extended |= many;
	do {
		if (l->npatterns > 0 && take_space(w) == -1)
			return -1;
		if (l->npatterns == LIST_PATTERNS || take_pattern(w, &t) == -1)
			return -1;
		add_pattern(w, l, &t);
	} while (many && words_peek(w) == ' ');
	return many ? take_char(w, ')') : 0;
}

static int take_return(struct words *w, struct list *l)
{
	if (words_end(w))
		return 0;
	if (take_space(w) == -1 || take_word(w, "RETURN") == -1 || take_space(w) == -1 ||
	    take_options(w, returns, l) == -1)
		return -1;
	return words_end(w) ? 0 : -1;
}

int list_take(struct words *w, struct list *l)
{
	if (take_space(w) == -1 ||
	    (words_peek(w) == '(' &&
	     (take_options(w, selections, l) == -1 || take_space(w) == -1)) ||
	    take_astring(w, &l->reference) == -1 || take_space(w) == -1 ||
	    take_patterns(w, l) == -1 || take_return(w, l) == -1)
		return -1;
	if (l->is_extended) /* RFC 5258 3 */
		l->asks_delimiter = 0;
	/* RFC 5258 3.1: it needs something to look for */
	return (l->words & SELECT_RECURSIVE) &&
		       !(l->words & (SELECT_SUBSCRIBED | SELECT_USE))
		   ? -1
		   : 0;
}

int lsub_take(struct words *w, struct list *l)
{
	if (take_space(w) == -1 || take_astring(w, &l->reference) == -1 ||
	    take_space(w) == -1 || take_patterns(w, l) == -1)
		return -1;
	return !l->is_extended && words_end(w) ? 0 : -1;
}
