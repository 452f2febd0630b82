#include "dryrun.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "plan.h"
#include "prog.h"

static void print_item(const struct dot_item *i)
{
	static const char *const words[] = {
	    [DOT_MAILDIR] = "maildir", [DOT_MBOX] = "mbox",
	    [DOT_PROGRAM] = "program", [DOT_FORWARD] = "forward",
	    [DOT_DISCARD] = "discard", [DOT_REFUSE] = "refuse"};

	(void)printf("%s %s\n", words[i->kind], i->text);
}

static int print_plan(struct plan *p, const struct plan_for *w, const struct settings *s)
{
	struct answer a;

	if (plan_make(p, w, s, &a) == -1) {
		warn_msg("%s", a.text);
		return a.letter == NEVER ? EXIT_PERM : EXIT_TEMP;
	}
	if (p->is_default)
		(void)printf("# the default delivery\n");
	else
		(void)printf("# %s\n", p->file.name);
	for (size_t i = 0; i < p->list.n; i++)
		print_item(&p->list.items[i]);
	if (strcmp(p->newsender, w->sender) != 0)
		(void)printf("newsender %s\n", p->newsender);
	return fflush(stdout) == 0 ? 0 : EXIT_TEMP;
}

int dryrun(char *const *argv)
{
	static struct plan p;
	struct plan_for w = {.dash = argv[3],
			     .ext = argv[4],
			     .alias = "",
			     .sender = argv[6],
			     .local = argv[2],
			     .host = argv[5]};
	struct settings s;
	struct stat home;
	int r;

	if (settings_read(&s) == -1)
		die_msg(EXIT_TEMP, "%s", control_error());
	if (*argv[7] != '\0' && settings_delivery(&s, argv[7]) == -1)
		die_sys(EXIT_TEMP, "keep the default delivery");
	w.home = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w.home == -1 || fstat(w.home, &home) == -1)
		die_sys2(EXIT_TEMP, "open the home", argv[1]);
	if (dotfile_home(&p.file, &home) == -1)
		die_msg(EXIT_TEMP, "%s", p.file.error);
	r = print_plan(&p, &w, &s);
	plan_free(&p);
	settings_free(&s);
	(void)close(w.home);
	return r;
}
