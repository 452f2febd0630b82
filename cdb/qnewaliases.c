/* qnewaliases: compiles control/aliases into control/aliases.cdb.
 *
 * Runs as the admin (as `newaliases` too); reads the text, writes the table whole or
 * not at all. A name that stands there twice, a loop, a target that it does not
 * understand: an error with file, line and reason.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aliasline.h"
#include "args.h"
#include "loops.h"
#include "paths.h"
#include "prog.h"
#include "sbuf.h"
#include "table.h"
#include "text.h"

static const char usage[] = "qnewaliases [-C dir] [file]";

struct build {
	struct text text;
	struct alias *a;
	size_t n;
	size_t cap;
};

static struct alias *add(struct build *b)
{
	if (b->n == b->cap) {
		size_t cap = b->cap ? 2 * b->cap : 256;
		struct alias *bigger = reallocarray(b->a, cap, sizeof *bigger);

		if (bigger == NULL)
			die_sys(EXIT_TEMP, "keep all aliases");
		b->a = bigger;
		b->cap = cap;
	}
	memset(&b->a[b->n], 0, sizeof *b->a);
	return &b->a[b->n++];
}

static void take_entry(struct build *b, const struct sbuf *entry, unsigned line)
{
	char name[LIMIT_ADDRESS + 1];
	struct sbuf value = SBUF_INIT(LIMIT_TABLEVALUE);
	struct alias *a;
	const char *why;

	if (entry->len == 0)
		return;
	if (sbuf_catf(&value, "#%u", line) == -1 || sbuf_catc(&value, '\0') == -1)
		die_sys(EXIT_TEMP, "keep an alias");
	why = aliasline_parse(entry->p, entry->len, name, &value);
	if (why != NULL)
		text_bad(&b->text, line, "%s", why);
	a = add(b);
	a->name = strdup(name);
	a->line = line;
	a->value = value.p;
	a->len = value.len;
	if (a->name == NULL)
		die_sys(EXIT_TEMP, "keep an alias");
}

/* Lines that begin with a blank belong to the entry before them; comments and empty
 * lines may stand anywhere. */
static void take_lines(struct build *b)
{
	struct sbuf entry = SBUF_INIT(LIMIT_TABLEVALUE);
	unsigned start = 0;
	const char *line;
	size_t n;

	while (text_line(&b->text, &line, &n)) {
		if (n == 0 || line[0] == '#')
			continue;
		if (line[0] != ' ' && line[0] != '\t') {
			take_entry(b, &entry, start);
			sbuf_clear(&entry);
			start = b->text.line;
		} else if (entry.len == 0)
			text_bad(&b->text, b->text.line,
				 "a line that goes on, but there is none before");
		if (sbuf_cat(&entry, line, n) == -1 || sbuf_catc(&entry, ' ') == -1)
			text_bad(&b->text, start, "the entry is too long");
	}
	take_entry(b, &entry, start);
	sbuf_free(&entry);
}

static int compare(const void *x, const void *y)
{
	const struct alias *a = x;
	const struct alias *b = y;
	int order = strcmp(a->name, b->name);

	return order != 0 ? order : a->line < b->line ? -1 : a->line > b->line;
}

static void check(struct build *b)
{
	char way[LIMIT_LOGLINE / 4];
	const struct alias *a;

	if (b->n > 0)
		qsort(b->a, b->n, sizeof *b->a, compare);
	for (size_t i = 1; i < b->n; i++)
		if (strcmp(b->a[i - 1].name, b->a[i].name) == 0)
			text_bad(&b->text, b->a[i].line, "%s stands at line %u already",
				 b->a[i].name, b->a[i - 1].line);
	a = loops_find(b->a, b->n, way, sizeof way);
	if (a != NULL)
		text_bad(&b->text, a->line, "a loop: %s", way);
}

static void write_table(struct build *b, const char *path)
{
	struct table_writer *w = make_table(path);

	for (size_t i = 0; i < b->n; i++)
		make_entry(w, b->a[i].name, strlen(b->a[i].name), b->a[i].value,
			   b->a[i].len);
	make_done(w, &b->text);
}

/* control/aliases; on an installed system, while there is none, /etc/aliases, since
 * packages call newaliases when they have changed that. */
static void open_text(struct build *b, const char *given)
{
	static char path[LIMIT_PATH];

	if (path_join(path, sizeof path, paths.control, "aliases") == NULL)
		die_sys(EXIT_PERM, "name control/aliases");
	if (given == NULL && args_home == NULL && access(path, F_OK) == -1 &&
	    errno == ENOENT && access("/etc/aliases", F_OK) == 0)
		given = "/etc/aliases";
	text_read(&b->text, given != NULL ? given : path);
}

int main(int argc, char **argv)
{
	static struct build b;
	char to[LIMIT_PATH];
	int first;

	prog_init("qnewaliases");
	first = args(usage, args_none, argc, argv);
	if (argc - first > 1)
		die_usage(usage);
	if (path_join(to, sizeof to, paths.control, "aliases.cdb") == NULL)
		die_sys(EXIT_PERM, "name control/aliases.cdb");
	open_text(&b, first < argc ? argv[first] : NULL);
	take_lines(&b);
	check(&b);
	write_table(&b, to);
	(void)printf("%s: %zu aliases\n", b.text.name, b.n);
	return 0;
}
