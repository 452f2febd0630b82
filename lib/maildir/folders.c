#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/listing.h"
#include "prog.h"

enum {
	NAMES_MAX = 64 * 1024 * 1024,
	LISTED_MAX = 4 * STORE_FOLDERS /* with parents and subscriptions */
};

static int add_subscribed(void *arg, const char *name)
{
	struct listing *l = arg;

	if (l->entries.len / sizeof(struct entry) == LISTED_MAX)
		return 0;
	return listing_add(l, &l->entries, name, strlen(name), FOLDER_SUBSCRIBED);
}

/* ---- in order ---- */

static const char *sort_names;

static int compare(const void *a, const void *b)
{
	return store_compare(sort_names + ((const struct entry *)a)->at,
			     sort_names + ((const struct entry *)b)->at);
}

/* The way down to the entry that was put out last: indexes into out, one a level. */
struct path {
	uint32_t at[FOLDER_LEVELS];
	unsigned depth;
};

static struct entry *entry_out(const struct listing *l, size_t i)
{
	return (struct entry *)(void *)l->out.p + i;
}

static const char *name_out(const struct listing *l, const struct path *p, unsigned i)
{
	return l->names.p + entry_out(l, p->at[i])->at;
}

static int put_out(struct listing *l, struct path *p, const struct entry *e)
{
	p->at[p->depth++] = (uint32_t)(l->out.len / sizeof *e);
	return sbuf_cat(&l->out, e, sizeof *e);
}

/* Parents of name that are in no list. */
static int put_parents(struct listing *l, struct path *p, size_t name)
{
	size_t n = p->depth > 0 ? strlen(name_out(l, p, p->depth - 1)) + 1 : 0;
	const char *dot;

	while ((dot = strchr(l->names.p + name + n, '.')) != NULL) {
		struct entry e = {(uint32_t)l->names.len, 0};
		char copy[FOLDER_NAME + 1];

		n = (size_t)(dot - (l->names.p + name));
		memcpy(copy, l->names.p + name, n);
		if (sbuf_cat(&l->names, copy, n) == -1 ||
		    sbuf_catc(&l->names, '\0') == -1 || put_out(l, p, &e) == -1)
			return -1;
		n++;
	}
	return 0;
}

static int put_entry(struct listing *l, struct path *p, const struct entry *e)
{
	while (p->depth > 0 &&
	       !store_is_below(l->names.p + e->at, name_out(l, p, p->depth - 1)))
		p->depth--;
	if (p->depth > 0 &&
	    strcmp(l->names.p + e->at, name_out(l, p, p->depth - 1)) == 0) {
		entry_out(l, p->at[--p->depth])->bits |= e->bits;
		p->depth++;
	} else if (put_parents(l, p, e->at) == -1 || put_out(l, p, e) == -1) {
		return -1;
	}
	for (unsigned i = 0; i + 1 < p->depth && e->bits & FOLDER_EXISTS; i++)
		entry_out(l, p->at[i])->bits |= FOLDER_CHILDREN;
	return 0;
}

static int arrange(struct listing *l)
{
	size_t n = l->entries.len / sizeof(struct entry);
	struct entry *e = (struct entry *)(void *)l->entries.p;
	struct path p = {.depth = 0};

	sort_names = l->names.p;
	qsort(e, n, sizeof *e, compare);
	for (size_t i = 0; i < n; i++)
		if (put_entry(l, &p, &e[i]) == -1)
			return -1;
	return 0;
}

/* ---- the answer ---- */

static int keep(struct folders *f, struct listing *l, int all)
{
	size_t n = l->out.len / sizeof(struct entry);

	f->folder = calloc(n, sizeof *f->folder);
	if (f->folder == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct entry *e = entry_out(l, i);

		if (all || e->bits & (FOLDER_EXISTS | FOLDER_CHILDREN))
			f->folder[f->n++] = (struct folder){l->names.p + e->at, e->bits};
	}
	f->names = l->names.p;
	l->names = (struct sbuf)SBUF_INIT(0);
	return 0;
}

/* As found by its first form or, if that is not there, by its second (store_int.h). */
static DIR *read_new(int root, const char *name)
{
	char path[STORE_NAME + 8] = ".";
	DIR *d;

	if (strcmp(name, "INBOX") != 0 && store_to_disk(path, name) == -1)
		return NULL;
	memcpy(path + strlen(path), "/new", sizeof "/new");
	d = store_read_dir(root, path);
	if (d != NULL || errno != ENOENT || store_to_raw(path, name) == -1)
		return d;
	memcpy(path + strlen(path), "/new", sizeof "/new");
	return store_read_dir(root, path);
}

static int has_entries(int root, const char *name)
{
	DIR *d = read_new(root, name);
	struct dirent *e;
	int found = 0;

	while (d != NULL && !found && (e = readdir(d)) != NULL)
		found = e->d_name[0] != '.';
	if (d != NULL)
		(void)closedir(d);
	return found;
}

static void look_for_new(struct folders *f, const struct store *s)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->folder[i].bits & FOLDER_EXISTS &&
		    has_entries(s->root, f->folder[i].name))
			f->folder[i].bits |= FOLDER_MARKED;
}

static void tell_hidden(const struct listing *l)
{
	if (l->hidden > 0)
		warn_msg(
		    "%zu directories of a Maildir are not shown as folders; one is %s",
		    l->hidden, l->first_hidden);
}

int folders_read(struct folders *f, const struct store *s, int all, int marked)
{
	struct listing l = {.names = SBUF_INIT(NAMES_MAX),
			    .entries = SBUF_INIT(NAMES_MAX),
			    .out = SBUF_INIT(NAMES_MAX)};
	int r;

	*f = (struct folders){NULL, 0, NULL};
	r = listing_scan(&l, s);
	if (r == 0)
		r = store_each_subscribed(s, add_subscribed, &l);
	if (r == 0 && (r = arrange(&l)) == 0 && (r = keep(f, &l, all)) == 0)
		r = store_mark_uses(f, s);
	if (r == 0 && marked)
		look_for_new(f, s);
	if (r == 0)
		tell_hidden(&l);
	else
		folders_free(f);
	sbuf_free(&l.names);
	sbuf_free(&l.entries);
	sbuf_free(&l.out);
	return r;
}

void folders_free(struct folders *f)
{
	free(f->folder);
	free(f->names);
	*f = (struct folders){NULL, 0, NULL};
}
