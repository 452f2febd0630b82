#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "prog.h"
#include "qlimits.h"
#include "sbuf.h"
#include "table.h"

enum { TEXT_MAX = 256 * 1024 * 1024 };

static struct table_writer *making;

void text_read(struct text *t, const char *path)
{
	struct sbuf b = SBUF_INIT(TEXT_MAX);
	int fd = 0;

	memset(t, 0, sizeof *t);
	t->name = path;
	if (strcmp(path, "-") != 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	else
		t->name = "standard input";
	if (fd == -1 || sbuf_read(&b, fd) == -1)
		die_sys2(errno == ENOENT ? EXIT_PERM : EXIT_TEMP, "read", t->name);
	if (fd > 0)
		(void)close(fd);
	t->p = b.p;
	t->n = b.len;
}

int text_line(struct text *t, const char **line, size_t *n)
{
	const char *end;

	if (t->at >= t->n)
		return 0;
	*line = t->p + t->at;
	end = memchr(*line, '\n', t->n - t->at);
	*n = end != NULL ? (size_t)(end - *line) : t->n - t->at;
	t->at += *n + 1;
	t->line++;
	while (*n > 0 && ((*line)[*n - 1] == ' ' || (*line)[*n - 1] == '\t' ||
			  (*line)[*n - 1] == '\r'))
		--*n;
	if (memchr(*line, '\0', *n) != NULL)
		text_bad(t, t->line, "a NUL byte");
	return 1;
}

void text_bad(const struct text *t, unsigned line, const char *fmt, ...)
{
	char why[LIMIT_LOGLINE / 2];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	if (making != NULL)
		table_abort(making);
	die_msg(EXIT_PERM, "%s: line %u: %s; the table stays as it was", t->name, line,
		why);
}

struct table_writer *make_table(const char *path)
{
	struct table_writer *w = table_create(path);

	if (w == NULL && errno == EWOULDBLOCK)
		die_msg(EXIT_TEMP, "another program is making %s", path);
	if (w == NULL)
		die_sys2(EXIT_TEMP, "make", path);
	making = w;
	return w;
}

void make_entry(struct table_writer *w, const void *key, size_t keylen, const void *value,
		size_t len)
{
	if (table_put(w, key, keylen, value, len) == 0)
		return;
	table_abort(w);
	die_sys(EXIT_TEMP, "write the table");
}

void make_done(struct table_writer *w, const struct text *t)
{
	uint8_t sum[SUM_LEN];

	table_sum(t->p, t->n, sum);
	make_entry(w, TABLE_SOURCE, TABLE_SOURCE_LEN, sum, sizeof sum);
	if (table_commit(w) == -1)
		die_sys(EXIT_TEMP, "put the table in place");
}
