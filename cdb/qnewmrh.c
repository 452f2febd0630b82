/* qnewmrh: compiles control/morercpthosts into control/morercpthosts.cdb, in the layout
 * of qmail-newmrh: a key for each domain (".domain": all below it), lower case.
 *
 * Runs as the admin; writes the table whole or not at all.
 */
#include <string.h>

#include "args.h"
#include "ascii.h"
#include "paths.h"
#include "prog.h"
#include "qlimits.h"
#include "table.h"
#include "text.h"

static const char usage[] = "qnewmrh [-C dir] [file]";

static void take_line(const struct text *t, struct table_writer *w, const char *line,
		      size_t n)
{
	char key[LIMIT_DOMAIN + 2];

	if (n >= sizeof key)
		text_bad(t, t->line, "the domain is too long");
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)line[i];

		if (c <= ' ' || c == 0x7f || c == '@')
			text_bad(t, t->line, "not a domain");
		key[i] = ascii_lower(line[i]);
	}
	make_entry(w, key, n, "", 0);
}

int main(int argc, char **argv)
{
	static struct text t;
	struct table_writer *w;
	char from[LIMIT_PATH];
	char to[LIMIT_PATH];
	const char *line;
	size_t n;
	int first;

	prog_init("qnewmrh");
	first = args(usage, args_none, argc, argv);
	if (argc - first > 1)
		die_usage(usage);
	if (path_join(from, sizeof from, paths.control, "morercpthosts") == NULL ||
	    path_join(to, sizeof to, paths.control, "morercpthosts.cdb") == NULL)
		die_sys(EXIT_PERM, "name control/morercpthosts");
	text_read(&t, first < argc ? argv[first] : from);
	w = make_table(to);
	while (text_line(&t, &line, &n))
		if (n > 0 && line[0] != '#')
			take_line(&t, w, line, n);
	make_done(w, &t);
	return 0;
}
