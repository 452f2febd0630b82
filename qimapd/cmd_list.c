/* LIST (RFC 9051 6.3.9, with RFC 5258, 5819, 6154), LSUB, STATUS. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "list.h"
#include "list_match.h"
#include "maildir/utf7.h"
#include "out.h"
#include "prog.h"
#include "session.h"
#include "status.h"

enum { LIST_PATTERNS = 50 };

enum list_words {
	SELECT_SUBSCRIBED = 1,
	SELECT_REMOTE = 2,
	SELECT_RECURSIVE = 4,
	SELECT_USE = 8,
	RETURN_SUBSCRIBED = 16,
	RETURN_CHILDREN = 32,
	RETURN_USE = 64,
	RETURN_STATUS = 128
};

struct list {
	unsigned words; /* list_words */
	int is_extended;
	unsigned status; /* items of RETURN (STATUS (…)) */
	struct text reference;
	struct pattern *pattern;
	size_t npatterns;
	int asks_delimiter; /* LIST "" "" */
};

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
		l->asks_delimiter = !l->is_extended;
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

static int take_list(struct words *w, struct list *l)
{
	if (take_space(w) == -1 ||
	    (words_peek(w) == '(' &&
	     (take_options(w, selections, l) == -1 || take_space(w) == -1)) ||
	    take_astring(w, &l->reference) == -1 || take_space(w) == -1 ||
	    take_patterns(w, l) == -1 || take_return(w, l) == -1)
		return -1;
	/* RFC 5258 3.1: it needs something to look for */
	return (l->words & SELECT_RECURSIVE) &&
		       !(l->words & (SELECT_SUBSCRIBED | SELECT_USE))
		   ? -1
		   : 0;
}

static int matches(const struct list *l, const char *name)
{
	for (size_t i = 0; i < l->npatterns; i++)
		if (pattern_matches(&l->pattern[i], name))
			return 1;
	return 0;
}

static int is_selected(const struct list *l, const struct folder *f)
{
	if ((l->words & SELECT_SUBSCRIBED) && !(f->bits & FOLDER_SUBSCRIBED))
		return 0;
	if ((l->words & SELECT_USE) && !(f->bits & FOLDER_USES))
		return 0;
	return (l->words & SELECT_SUBSCRIBED) ||
	       (f->bits & (FOLDER_EXISTS | FOLDER_CHILDREN));
}

static int is_below(const char *name, const char *parent)
{
	size_t n = strlen(parent);

	return strncmp(name, parent, n) == 0 && name[n] == '.';
}

/* below[i]: something below it is selected (and not shown itself, if hidden). Folders stand before
 * those below them. */
static char *find_below(const struct list *l, const struct folders *f, int hidden)
{
	char *below = calloc(f->n + 1, 1);
	size_t path[FOLDER_LEVELS + 1];
	size_t depth = 0;

	for (size_t i = 0; below != NULL && i < f->n; i++) {
		while (depth > 0 &&
		       !is_below(f->folder[i].name, f->folder[path[depth - 1]].name))
			depth--;
		if (is_selected(l, &f->folder[i]) &&
		    !(hidden && matches(l, f->folder[i].name)))
			for (size_t k = 0; k < depth; k++)
				below[path[k]] = 1;
		if (depth < FOLDER_LEVELS)
			path[depth++] = i;
	}
	return below;
}

static void put_folder(const struct list *l, const struct folder *f, int below)
{
	unsigned bits = l->is_extended || (session.on & ON_REV2) ? LIST_EXTENDED : 0;

	if (l->words & (SELECT_SUBSCRIBED | RETURN_SUBSCRIBED))
		bits |= LIST_SUBSCRIBED;
	if (below && (l->words & SELECT_SUBSCRIBED))
		bits |= LIST_CHILDINFO;
	list_put(f, bits, NULL);
	if ((l->words & RETURN_STATUS) && (f->bits & FOLDER_EXISTS) &&
	    status_tell(f->name, l->status) == -1)
		warn_sys2("open the mailbox", f->name);
}

static int put_list(const struct list *l, const struct folders *f)
{
	char *below = NULL;

	if ((l->words & SELECT_RECURSIVE) && (below = find_below(l, f, 0)) == NULL)
		return -1;
	for (size_t i = 0; i < f->n; i++) {
		const struct folder *one = &f->folder[i];
		int has_below = below != NULL && below[i];

		if ((is_selected(l, one) || has_below) && matches(l, one->name))
			put_folder(l, one, has_below);
	}
	free(below);
	return 0;
}

static void cmd_list(struct command *c)
{
	struct list l = {0};
	struct folders f;

	if (take_list(&c->w, &l) == -1) {
		bad(c, "LIST wants a reference and a pattern.");
		return;
	}
	if (l.asks_delimiter)
		io_puts("* LIST (\\Noselect) \".\" \"\"\r\n");
	if (folders_read(&f, &session.store, (l.words & SELECT_SUBSCRIBED) != 0, 1) ==
	    -1) {
		no_errno(c, "read the folders");
		return;
	}
	if (put_list(&l, &f) == -1)
		no_errno(c, "list the folders");
	else
		ok(c, "", "done");
	folders_free(&f);
}

/* RFC 3501 6.3.9: a parent that is not subscribed stands for what is below it, if "%" stops
 * there. */
static void put_lsub(const struct list *l, const struct folders *f, const char *below)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct folder *one = &f->folder[i];
		int is_on = (one->bits & FOLDER_SUBSCRIBED) != 0;

		if ((!is_on && !below[i]) || !matches(l, one->name))
			continue;
		io_puts(is_on ? "* LSUB () \".\" " : "* LSUB (\\Noselect) \".\" ");
		out_mailbox(one->name);
		io_puts("\r\n");
	}
}

static void cmd_lsub(struct command *c)
{
	struct list l = {.words = SELECT_SUBSCRIBED};
	struct folders f;
	char *below;

	if (take_space(&c->w) == -1 || take_astring(&c->w, &l.reference) == -1 ||
	    take_space(&c->w) == -1 || take_patterns(&c->w, &l) == -1 || l.is_extended ||
	    !words_end(&c->w)) {
		bad(c, "LSUB wants a reference and a pattern.");
		return;
	}
	if (folders_read(&f, &session.store, 1, 0) == -1) {
		no_errno(c, "read the folders");
		return;
	}
	below = find_below(&l, &f, 1);
	if (below != NULL) {
		put_lsub(&l, &f, below);
		ok(c, "", "done");
	} else {
		no_errno(c, "list the folders");
	}
	free(below);
	folders_free(&f);
}

static void cmd_status(struct command *c)
{
	char name[FOLDER_NAME + 1];
	unsigned items;

	if (take_space(&c->w) == -1 || take_mailbox(&c->w, name) == -1 ||
	    take_space(&c->w) == -1 || status_take(&c->w, &items) == -1 ||
	    !words_end(&c->w))
		bad(c, "STATUS wants a mailbox and items in parentheses.");
	else if (status_tell(name, items) == -1)
		no_errno(c, "open a mailbox");
	else
		ok(c, "", "done");
}

const struct verb verbs_list[] = {{"LIST", ST_AUTH | ST_SELECTED, 0, cmd_list},
				  {"LSUB", ST_AUTH | ST_SELECTED, 0, cmd_lsub},
				  {"STATUS", ST_AUTH | ST_SELECTED, 0, cmd_status},
				  {0}};
