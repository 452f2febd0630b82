/* qcdb: compiles any text of lines KEY:VALUE into a table.
 *
 * Runs as the admin; reads a file or standard input (the output of ldapsearch, getent,
 * a database client, …), writes the table whole or not at all. -l: keys in lower case.
 */
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "ascii.h"
#include "keys.h"
#include "prog.h"
#include "qlimits.h"
#include "table.h"
#include "text.h"

static const char usage[] = "qcdb [-l] textfile table";

static void lower(char *s)
{
	ascii_copy_lower(s, s, strlen(s));
}

static void take_line(const struct text *t, struct table_writer *w, struct keys *keys,
		      const char *line, size_t n, int fold)
{
	const char *colon = memchr(line, ':', n);
	size_t len = colon != NULL ? (size_t)(colon - line) : 0;
	char *key;

	if (len == 0)
		text_bad(t, t->line, "not KEY:VALUE");
	if (len > LIMIT_TABLEKEY)
		text_bad(t, t->line, "the key is too long");
	key = strndup(line, len);
	if (key == NULL)
		die_sys(EXIT_TEMP, "keep a key");
	if (fold)
		lower(key);
	make_entry(w, key, len, line + len + 1, n - len - 1);
	keys_add(keys, key, t->line);
}

int main(int argc, char **argv)
{
	static struct keys keys;
	static struct text t;
	struct table_writer *w;
	const char *line;
	int fold = 0;
	const struct arg table[] = {{'l', arg_flag, &fold, 0, 0}, {0}};
	char **words;
	size_t n;

	prog_init("qcdb");
	words = argv + args(usage, table, argc, argv);
	if (words + 2 != argv + argc)
		die_usage(usage);
	text_read(&t, words[0]);
	w = make_table(words[1]);
	while (text_line(&t, &line, &n))
		if (n > 0 && line[0] != '#')
			take_line(&t, w, &keys, line, n, fold);
	keys_once(&keys, &t);
	make_done(w, &t);
	return 0;
}
