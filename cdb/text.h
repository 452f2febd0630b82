/* text: the source of a table: a file, or standard input. Errors end the program. */
#ifndef QUOIN_TEXT_H
#define QUOIN_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "sum.h"

struct text {
	const char *name; /* for messages */
	char *p;
	size_t n;
	size_t at;
	unsigned line; /* number of the line that was read last, from 1 */
};

/* All of the file ("-": standard input), at most 256 MB. Exits 100 when there is no such
 * file, 111 on any other fault. */
void text_read(struct text *t, const char *path);

/* The next line, without its end, CR and blanks behind it; comment lines and empty
 * ones too. 0 at the end. */
int text_line(struct text *t, const char **line, size_t *n);

/* "NAME: line N: WHY" and exit 100: the old table stays. */
_Noreturn __attribute__((format(printf, 3, 4))) void
text_bad(const struct text *t, unsigned line, const char *fmt, ...);

struct table_writer;

/* The writer of a table: as in table.h, but errors end the program with 111. */
struct table_writer *make_table(const char *path);
void make_entry(struct table_writer *w, const void *key, size_t keylen, const void *value,
		size_t len);

/* Add what the table was made of (table.h), then put it in place. */
void make_done(struct table_writer *w, const struct text *t);

#endif
