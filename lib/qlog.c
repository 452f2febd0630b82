#include "qlog.h"

#include <stdio.h>
#include <string.h>

#include "escape.h"
#include "logout.h"
#include "prog.h"

enum { VALUE_MAX = 500 };

/* One byte stays free for the line feed. */
static size_t room(const struct qlog *l)
{
	return sizeof l->line - 1 - l->len;
}

static void add(struct qlog *l, const char *s, size_t n)
{
	if (n > room(l))
		n = room(l);
	memcpy(l->line + l->len, s, n);
	l->len += n;
}

void qlog_begin(struct qlog *l, const char *event)
{
	l->len = 0;
	add(l, prog_name, strlen(prog_name));
	add(l, ": ", 2);
	add(l, event, strlen(event));
}

void qlog_bytes(struct qlog *l, const char *key, const char *p, size_t n)
{
	char value[VALUE_MAX + 1];
	size_t len = escape_value(value, sizeof value, p, n);

	/* A field that does not fit is left out whole: half a value would mislead. */
	if (1 + strlen(key) + 1 + len > room(l))
		return;
	add(l, " ", 1);
	add(l, key, strlen(key));
	add(l, "=", 1);
	add(l, value, len);
}

void qlog_str(struct qlog *l, const char *key, const char *value)
{
	qlog_bytes(l, key, value, strlen(value));
}

void qlog_id(struct qlog *l, const char *qid)
{
	qlog_str(l, "id", qid);
}

void qlog_num(struct qlog *l, const char *key, uint64_t value)
{
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);

	qlog_bytes(l, key, digits, (size_t)n);
}

void qlog_end(struct qlog *l)
{
	l->line[l->len++] = '\n';
	logout_line(l->line, l->len);
}
