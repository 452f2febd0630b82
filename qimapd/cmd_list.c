/* LIST (RFC 9051 6.3.9, with RFC 5258, 5819, 6154), LSUB, STATUS. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "list.h"
#include "list_take.h"
#include "out.h"
#include "prog.h"
#include "session.h"
#include "status.h"

/* hits[i]: one of the patterns means it. */
static char *find_hits(const struct list *l, const struct folders *f)
{
	char *hits = calloc(f->n + 1, 1);
	struct matcher m;

	for (size_t k = 0; hits != NULL && k < l->npatterns; k++) {
		if (matcher_make(&m, &l->pattern[k]) == -1) {
			free(hits);
			return NULL;
		}
		for (size_t i = 0; i < f->n; i++)
			if (!hits[i])
				hits[i] = (char)matcher_has(&m, f->folder[i].name);
		matcher_free(&m);
	}
	return hits;
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

/* below[i]: something below it is selected (and not among the hidden, if these are given). Folders
 * stand before those below them. */
static char *find_below(const struct list *l, const struct folders *f, const char *hidden)
{
	char *below = calloc(f->n + 1, 1);
	size_t path[FOLDER_LEVELS + 1];
	size_t depth = 0;

	for (size_t i = 0; below != NULL && i < f->n; i++) {
		while (depth > 0 &&
		       !is_below(f->folder[i].name, f->folder[path[depth - 1]].name))
			depth--;
		if (is_selected(l, &f->folder[i]) && !(hidden != NULL && hidden[i]))
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
	int recurses = (l->words & SELECT_RECURSIVE) != 0;
	char *hits = find_hits(l, f);
	char *below = hits != NULL && recurses ? find_below(l, f, NULL) : NULL;
	int r = hits == NULL || (recurses && below == NULL) ? -1 : 0;

	for (size_t i = 0; r == 0 && i < f->n; i++) {
		const struct folder *one = &f->folder[i];
		int has_below = below != NULL && below[i];

		if (hits[i] && (is_selected(l, one) || has_below))
			put_folder(l, one, has_below);
	}
	free(hits);
	free(below);
	return r;
}

static void cmd_list(struct command *c)
{
	struct list l = {0};
	struct folders f;

	if (list_take(&c->w, &l) == -1) {
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
static int put_lsub(const struct list *l, const struct folders *f)
{
	char *hits = find_hits(l, f);
	char *below = hits != NULL ? find_below(l, f, hits) : NULL;
	int r = below == NULL ? -1 : 0;

	for (size_t i = 0; r == 0 && i < f->n; i++) {
		const struct folder *one = &f->folder[i];
		int is_on = (one->bits & FOLDER_SUBSCRIBED) != 0;

		if (!hits[i] || (!is_on && !below[i]))
			continue;
		io_puts(is_on ? "* LSUB () \".\" " : "* LSUB (\\Noselect) \".\" ");
		out_mailbox(one->name);
		io_puts("\r\n");
	}
	free(hits);
	free(below);
	return r;
}

static void cmd_lsub(struct command *c)
{
	struct list l = {.words = SELECT_SUBSCRIBED};
	struct folders f;

	if (lsub_take(&c->w, &l) == -1) {
		bad(c, "LSUB wants a reference and a pattern.");
		return;
	}
	if (folders_read(&f, &session.store, 1, 0) == -1) {
		no_errno(c, "read the folders");
		return;
	}
	if (put_lsub(&l, &f) == -1)
		no_errno(c, "list the folders");
	else
		ok(c, "", "done");
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
