#include "words.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "paths.h"
#include "prog.h"

static int client;

static void arguments(struct words *w, const char *usage, int argc, char **argv)
{
	const struct arg table[] = {{'s', arg_flag, &w->server, 0, 0},
				    {'c', arg_flag, &client, 0, 0},
				    {'d', arg_fd, &w->notify, 0, 0},
				    {'i', arg_fd, &w->heir, 0, 0},
				    {'w', arg_num, &w->idle, 1, WORDS_IDLE_MAX},
				    {0}};
	int first = args(usage, table, argc, argv);

	if (w->server == client || first == argc)
		die_usage(usage);
	for (int i = first; i < argc; i++)
		if (doors_add(w->doors, argv[i]) == -1)
			die_usage(usage);
}

/* The words of whoever comes next. */
static void remember(struct words *w, const char *self)
{
	static const char *words[DOORS_MAX + 10];
	static char idle[16];
	const char **at = words;

	*at++ = self;
	*at++ = w->server ? "-s" : "-c";
	if (args_home != NULL) {
		*at++ = "-C";
		*at++ = args_home;
	}
	if (w->idle > 0) {
		(void)snprintf(idle, sizeof idle, "%u", w->idle);
		*at++ = "-w";
		*at++ = idle;
	}
	*at++ = "-i";
	w->place = at++;
	for (size_t i = 0; i < w->doors->n; i++)
		*at++ = w->doors->door[i].word;
	w->argv = words;
}

void words_read(struct words *w, const char *usage, int argc, char **argv)
{
	w->notify = w->heir = -1;
	arguments(w, usage, argc, argv);
	remember(w, argv[0]);
}

const char *words_program(const char *self, const char *name, char path[LIMIT_PATH])
{
	size_t room = LIMIT_PATH - strlen(name) - 1;
	ssize_t n = self[0] == '/' ? snprintf(path, room, "%s", self)
				   : readlink("/proc/self/exe", path, room);
	char *slash;

	if (n <= 0 || (size_t)n >= room)
		return name;
	path[n] = '\0';
	slash = strrchr(path, '/');
	memcpy(slash + 1, name, strlen(name) + 1);
	return path;
}
