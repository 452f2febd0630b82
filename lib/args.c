#include "args.h"

#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "fdio.h"
#include "num.h"
#include "owner.h"
#include "paths.h"
#include "prog.h"

enum { FD_MAX = 1023, OPTIONS_MAX = 60 };

const char *args_home;
const struct arg args_none[] = {{0}};

int arg_fd(const struct arg *a, const char *word)
{
	uint64_t n;

	if (num_parse(word, FD_MAX, &n) == -1 || fd_cloexec((int)n) == -1)
		return -1;
	*(int *)a->to = (int)n;
	return 0;
}

int arg_num(const struct arg *a, const char *word)
{
	uint64_t n;

	if (num_parse(word, a->max, &n) == -1 || n < a->min)
		return -1;
	*(unsigned *)a->to = (unsigned)n;
	return 0;
}

int arg_owner(const struct arg *a, const char *word)
{
	return owner_parse(a->to, word);
}

int arg_word(const struct arg *a, const char *word)
{
	*(const char **)a->to = word;
	return 0;
}

int arg_flag(const struct arg *a, const char *word)
{
	(void)word;
	*(int *)a->to = 1;
	return 0;
}

/* For getopt(); "+": options are not looked for among the words behind them. */
static void make_letters(char out[OPTIONS_MAX], const struct arg *table)
{
	*out++ = '+';
	*out++ = 'C';
	*out++ = ':';
	for (; table->letter != '\0'; table++) {
		*out++ = table->letter;
		if (table->take != arg_flag)
			*out++ = ':';
	}
	*out = '\0';
}

static void take_home(const char *dir)
{
	if (paths_under(dir) == -1)
		die_sys2(EXIT_PERM, "use directory", dir);
	args_home = dir;
}

int args(const char *usage, const struct arg *table, int argc, char **argv)
{
	char letters[OPTIONS_MAX];
	int c;

	make_letters(letters, table);
	opterr = 0; /* the usage line says it all */
	while ((c = getopt(argc, argv, letters)) != -1) {
		const struct arg *a = table;

		if (c == 'C') {
			take_home(optarg);
			continue;
		}
		while (a->letter != '\0' && a->letter != c)
			a++;
		if (a->letter == '\0' || a->take(a, optarg) == -1)
			die_usage(usage);
	}
	return optind;
}

void args_only(const char *usage, const struct arg *table, int argc, char **argv)
{
	if (args(usage, table, argc, argv) != argc)
		die_usage(usage);
}
