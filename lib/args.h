/* args: a program's options as a table.
 *
 *	const struct arg table[] = {{'l', arg_fd, &lifeline, 0, 0},
 *				    {'t', arg_num, &seconds, 1, 3600},
 *				    {0}};
 *	first = args(usage, table, argc, argv);
 *
 * -C DIR needs no row: every program has it (paths.h). Options end before the first word
 * that is none, or behind "--". What is not given keeps its value.
 * Errors: as prog's die_, this ends the program: by the usage line and 100.
 */
#ifndef QUOIN_ARGS_H
#define QUOIN_ARGS_H

#include <stdint.h>

struct arg {
	char letter;
	/* Read word into to: 0, or -1. Here are some; a program may have its own. */
	int (*take)(const struct arg *a, const char *word);
	void *to;
	uint64_t min, max;
};

int arg_fd(const struct arg *a, const char *word);    /* int: open; now close-on-exec */
int arg_num(const struct arg *a, const char *word);   /* unsigned: from min to max */
int arg_owner(const struct arg *a, const char *word); /* struct owner: UID:GID */
int arg_word(const struct arg *a, const char *word);  /* const char * */
int arg_flag(const struct arg *a, const char *word);  /* int: 1; takes no word */

/* For a program that has -C alone. */
extern const struct arg args_none[];

/* The index of the first word behind the options. */
int args(const char *usage, const struct arg *table, int argc, char **argv);

/* For a program that takes nothing but options. */
void args_only(const char *usage, const struct arg *table, int argc, char **argv);

/* DIR of -C, for the programs that this one starts; NULL without. */
extern const char *args_home;

#endif
