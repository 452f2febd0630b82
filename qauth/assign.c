/* The lines of users/assign that qpasswd adds, with a mark behind their last colon. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "args.h"
#include "control.h"
#include "lines.h"
#include "paths.h"
#include "place.h"
#include "prog.h"

static const char mark[] = "qctl user";

static void read_assign(struct lines *l)
{
	char path[LIMIT_PATH];

	if (path_join(path, sizeof path, paths.users, "assign") == NULL)
		die_sys(EXIT_PERM, "name users/assign");
	lines_read(l, path, 0644);
	if (!l->exists)
		lines_insert(l, 0, ".");
}

/* The line of one dot; what stands behind it is not read. */
static size_t find_end(const struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->line[i], ".") == 0)
			return i;
	lines_bad(l, l->n, "there is no last line of one dot: is the file whole?");
}

static void add(struct lines *l, const struct place *p, char sign, const char *separator)
{
	char line[4 * LIMIT_PATH];
	int n = snprintf(line, sizeof line, "%c%s%s:%s:%lu:%lu:%s:%s::%s", sign, p->local,
			 separator, p->name, (unsigned long)p->uid, (unsigned long)p->gid,
			 p->home, sign == '+' ? "-" : "", mark);

	if (n < 0 || (size_t)n >= sizeof line || strchr(p->local, ':') != NULL)
		die_msg(EXIT_PERM, "%s does not fit into a line of users/assign",
			p->name);
	lines_insert(l, find_end(l), line);
}

/* The compiler is a program of its own: it has the last word on the file. */
static void compile(void)
{
	char path[LIMIT_PATH];
	int status;
	pid_t pid;

	if (path_join(path, sizeof path, paths.bin, "qnewusers") == NULL)
		die_sys(EXIT_PERM, "name qnewusers");
	pid = fork();
	if (pid == 0) {
		if (args_home != NULL)
			(void)execl(path, "qnewusers", "-C", args_home, (char *)NULL);
		else
			(void)execl(path, "qnewusers", (char *)NULL);
		die_sys2(EXIT_TEMP, "run", path);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		die_sys2(EXIT_TEMP, "run", path);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		die_msg(EXIT_TEMP, "users/assign could not be compiled");
}

/* Is joe+anything@ joe's? With any other separator a slip of the pen would be, too. */
static int has_plus(void)
{
	char *separators;
	int r = control_line("userseparators", &separators);

	if (r == -1)
		die_msg(EXIT_PERM, "unable to read %s", control_error());
	if (r == 0)
		return 1;
	r = strchr(separators, '+') != NULL;
	free(separators);
	return r;
}

/* "=local:NAME:uid:gid:HOME:dash:ext:MARK" */
enum { NAME = 1, HOME = 4 };

static const char *field(const char *line, int which)
{
	for (; which > 0 && line != NULL; which--) {
		line = strchr(line, ':');
		line = line != NULL ? line + 1 : NULL;
	}
	return line;
}

static int is_ours(const char *line, int which, const char *value)
{
	const char *end = strrchr(line, ':');
	const char *p = field(line, which);
	size_t n = strlen(value);

	return end != NULL && strcmp(end + 1, mark) == 0 && p != NULL &&
	       strncmp(p, value, n) == 0 && p[n] == ':';
}

static size_t remove_ours(struct lines *l, const char *home)
{
	size_t removed = 0;

	for (size_t i = l->n; i-- > 0;)
		if (is_ours(l->line[i], HOME, home)) {
			lines_remove(l, i, 1);
			removed++;
		}
	return removed;
}

/* Of one that was killed they may stand there already, not compiled. */
void place_assign(const struct place *p)
{
	struct lines l;

	read_assign(&l);
	(void)remove_ours(&l, p->home);
	add(&l, p, '=', "");
	if (has_plus())
		add(&l, p, '+', "+");
	lines_write(&l);
	compile();
	lines_free(&l);
}

size_t place_unassign(const char *home)
{
	struct lines l;
	size_t removed;

	read_assign(&l);
	removed = remove_ours(&l, home);
	if (removed > 0) {
		lines_write(&l);
		compile();
	}
	lines_free(&l);
	return removed;
}

int place_home(const char *name, char home[LIMIT_PATH])
{
	struct lines l;
	int found = 0;

	read_assign(&l);
	for (size_t i = 0; i < l.n && !found; i++)
		if (is_ours(l.line[i], NAME, name) && field(l.line[i], HOME) != NULL) {
			const char *p = field(l.line[i], HOME);

			(void)snprintf(home, LIMIT_PATH, "%.*s", (int)strcspn(p, ":"), p);
			found = 1;
		}
	lines_free(&l);
	return found;
}
