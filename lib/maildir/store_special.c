/* Special uses (RFC 6154): lines "USE NAME" of quoin-special, and for a use that no line
 * gives, the folder with the first of its usual names that is there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/store_int.h"
#include "maildir/utf7.h"
#include "sbuf.h"

static const char file[] = "quoin-special";

static const struct use {
	unsigned bit;
	const char *word;
	const char *usual[4];
} uses[] = {
    {FOLDER_DRAFTS, "Drafts", {"Drafts"}},
    {FOLDER_SENT, "Sent", {"Sent", "Sent Messages", "Sent Items"}},
    {FOLDER_JUNK, "Junk", {"Junk", "Spam", "Junk E-mail"}},
    {FOLDER_TRASH, "Trash", {"Trash", "Deleted Messages", "Deleted Items"}},
    {FOLDER_ARCHIVE, "Archive", {"Archive", "Archives"}},
    {FOLDER_FLAGGED, "Flagged", {NULL}},
    {FOLDER_ALL, "All", {NULL}},
};
enum { USES = sizeof uses / sizeof *uses };

/* names[i]: of uses[i], canonical, "" if no line gives it. */
struct given {
	char names[USES][FOLDER_NAME + 1];
};

static void read_line(struct given *g, const char *p, size_t n)
{
	char name[FOLDER_NAME + 1];

	for (size_t i = 0; i < USES; i++) {
		size_t w = strlen(uses[i].word);

		if (n > w && memcmp(p, uses[i].word, w) == 0 && p[w] == ' ' &&
		    utf7_to_utf8(name, sizeof name, p + w + 1, n - w - 1) == 0 &&
		    folder_canon(g->names[i], name, strlen(name)) == -1)
			g->names[i][0] = '\0';
	}
}

static int given_read(struct given *g, const struct store *s)
{
	struct sbuf b = SBUF_INIT(STORE_LIST);
	int r = store_read_file(&b, s->root, file);

	memset(g, 0, sizeof *g);
	for (size_t at = 0; r == 1 && at < b.len;) {
		const char *end = memchr(b.p + at, '\n', b.len - at);
		size_t n = end != NULL ? (size_t)(end - b.p) - at : b.len - at;

		read_line(g, b.p + at, n);
		at += n + 1;
	}
	sbuf_free(&b);
	return r == -1 ? -1 : 0;
}

static int given_write(const struct given *g, const struct store *s)
{
	struct sbuf b = SBUF_INIT(STORE_LIST);
	char disk[STORE_NAME + 1];
	int r = 0;

	for (size_t i = 0; r == 0 && i < USES; i++)
		if (g->names[i][0] != '\0' && store_to_disk(disk, g->names[i]) == 0)
			r = sbuf_catf(&b, "%s %s\n", uses[i].word, disk + 1);
	if (r == 0)
		r = store_write_file(s->root, file, &b);
	sbuf_free(&b);
	return r;
}

/* ---- the list ---- */

static int by_name(const void *name, const void *f)
{
	return store_compare(name, ((const struct folder *)f)->name);
}

static int mark(struct folders *f, const char *name, unsigned bit)
{
	struct folder *at =
	    *name != '\0' ? bsearch(name, f->folder, f->n, sizeof *at, by_name) : NULL;

	if (at == NULL || !(at->bits & FOLDER_EXISTS))
		return 0;
	at->bits |= bit;
	return 1;
}

int store_mark_uses(struct folders *f, const struct store *s)
{
	struct given g;

	if (given_read(&g, s) == -1)
		return -1;
	for (size_t i = 0; i < USES; i++) {
		int done = mark(f, g.names[i], uses[i].bit);

		for (size_t k = 0; k < 4 && uses[i].usual[k] != NULL && !done; k++)
			done = mark(f, uses[i].usual[k], uses[i].bit);
	}
	return 0;
}

/* ---- changes ---- */

static size_t use_index(unsigned use)
{
	size_t i = 0;

	while (i < USES && uses[i].bit != use)
		i++;
	return i;
}

int store_may_use(const struct store *s, unsigned use)
{
	char disk[STORE_NAME + 1];
	size_t i = use_index(use);
	struct given g;

	if (i == USES) {
		errno = EINVAL;
		return -1;
	}
	if (given_read(&g, s) == -1)
		return -1;
	if (g.names[i][0] == '\0' || store_find(s, g.names[i], disk) == -1)
		return 0;
	errno = ENOTUNIQ;
	return -1;
}

int store_set_use(const struct store *s, const char *name, unsigned use)
{
	size_t i = use_index(use);
	struct given g;

	if (given_read(&g, s) == -1)
		return -1;
	memcpy(g.names[i], name, strlen(name) + 1);
	return given_write(&g, s);
}

int store_move_uses(const struct store *s, const char *from, const char *to)
{
	char name[2 * FOLDER_NAME + 1];
	struct given g;
	int changed = 0;

	if (given_read(&g, s) == -1)
		return -1;
	for (size_t i = 0; i < USES; i++) {
		size_t n = strlen(from);

		if (to == NULL ? strcmp(g.names[i], from) != 0
			       : !store_is_below(g.names[i], from))
			continue;
		changed = 1;
		name[0] = '\0';
		if (to != NULL) {
			memcpy(name, to, strlen(to));
			memcpy(name + strlen(to), g.names[i] + n,
			       strlen(g.names[i] + n) + 1);
		}
		if (folder_canon(g.names[i], name, strlen(name)) == -1)
			g.names[i][0] = '\0';
	}
	return changed ? given_write(&g, s) : 0;
}
