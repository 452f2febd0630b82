#include "words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "authask.h"
#include "paths.h"

static struct server {
	char service[LIMIT_SERVICE + 1];
	const char *program;
} servers[SERVERS_MAX];

int arg_server(const struct arg *a, const char *word)
{
	const char *eq = strchr(word, '=');
	struct server *s = servers;

	(void)a;
	while (s < servers + SERVERS_MAX && s->program != NULL)
		s++;
	if (s == servers + SERVERS_MAX || eq == NULL || eq == word || eq[1] == '\0' ||
	    eq - word > LIMIT_SERVICE)
		return -1;
	memcpy(s->service, word, (size_t)(eq - word));
	s->program = eq + 1;
	return 0;
}

static int add(struct words *w, const char *word)
{
	if (w->n == WORDS_MAX) {
		errno = E2BIG;
		return -1;
	}
	w->argv[w->n++] = word;
	w->argv[w->n] = NULL;
	return 0;
}

/* The first word. One without a slash is a program of ours. */
static int begin(struct words *w, const char *program)
{
	w->n = 0;
	if (strchr(program, '/') == NULL)
		return path_join(w->program, sizeof w->program, paths.bin, program) ==
			       NULL
			   ? -1
			   : add(w, program);
	if (program[0] != '/' || strlen(program) >= sizeof w->program) {
		errno = EINVAL;
		return -1;
	}
	memcpy(w->program, program, strlen(program) + 1);
	return add(w, w->program);
}

static int add_home(struct words *w)
{
	if (args_home == NULL)
		return 0;
	return add(w, "-C") == -1 ? -1 : add(w, args_home);
}

int words_server(struct words *w, const char *service, const char *last)
{
	for (const struct server *s = servers; s < servers + SERVERS_MAX; s++) {
		if (s->program == NULL || strcmp(s->service, service) != 0)
			continue;
		if (begin(w, s->program) == -1 || add_home(w) == -1)
			return -1;
		/* an option is none behind "--" */
		return last[0] == '\0' ? 0 : (add(w, "--") == -1 ? -1 : add(w, last));
	}
	errno = ENOENT;
	return -1;
}

int words_builtin(struct words *w)
{
	static const char judge_fd[] = "4"; /* JUDGE_FD */

	if (begin(w, "qcheckpw") == -1 || add_home(w) == -1 || add(w, "-r") == -1)
		return -1;
	return add(w, judge_fd);
}

int words_stem(struct words *w)
{
	static const char channel[] = "3"; /* TEMPLATE_FD */

	if (begin(w, "qcheckpw") == -1 || add_home(w) == -1 || add(w, "-f") == -1)
		return -1;
	return add(w, channel);
}

/* One of ours is told where everything lies. */
int words_checker(struct words *w, char *line, const struct words *server)
{
	static char enter[LIMIT_PATH];
	static const char blanks[] = " \t";
	char *rest = NULL;
	char *word = strtok_r(line, blanks, &rest);

	if (word == NULL || begin(w, word) == -1 ||
	    (w->argv[0] == word && add_home(w) == -1))
		return -1;
	while ((word = strtok_r(NULL, blanks, &rest)) != NULL)
		if (w->n == LIMIT_CHECKER || add(w, word) == -1) {
			errno = E2BIG;
			return -1;
		}
	if (path_join(enter, sizeof enter, paths.bin, "qauth-enter") == NULL ||
	    add(w, enter) == -1)
		return -1;
	if (server == NULL)
		return 0;
	if (add(w, server->program) == -1)
		return -1;
	for (size_t i = 1; i < server->n; i++)
		if (add(w, server->argv[i]) == -1)
			return -1;
	return 0;
}
