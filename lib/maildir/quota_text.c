#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "maildir/quota_int.h"
#include "num.h"
#include "prog.h"

static int take_limit(struct quota *q, const char *p, size_t n)
{
	uint64_t v;

	if (n == 0 || num_parse_n(p, n - 1, INT64_MAX, &v) == -1)
		return -1;
	if (p[n - 1] == 'S')
		q->max_bytes = v;
	else if (p[n - 1] == 'C')
		q->max_count = v;
	else
		return -1;
	return 0;
}

int quota_limits(struct quota *q, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		const char *stop = comma != NULL ? comma : end;

		if (take_limit(q, p, (size_t)(stop - p)) == -1)
			return -1;
		if (comma != NULL && comma + 1 == end)
			return -1;
		p = comma != NULL ? comma + 1 : end;
	}
	return 0;
}

/* One number with its sign; blanks stand before it. */
static int take_number(const char **p, const char *end, int64_t *v)
{
	uint64_t u;
	const char *at;
	int minus;

	while (*p < end && **p == ' ')
		(*p)++;
	minus = *p < end && **p == '-';
	*p += minus;
	for (at = *p; at < end && *at >= '0' && *at <= '9'; at++)
		;
	if (num_parse_n(*p, (size_t)(at - *p), INT64_MAX, &u) == -1)
		return -1;
	*p = at;
	*v = minus ? -(int64_t)u : (int64_t)u;
	return 0;
}

static int take_line(struct quota *q, const char *p, const char *end)
{
	int64_t bytes;
	int64_t count;

	if (take_number(&p, end, &bytes) == -1 || p == end || *p != ' ' ||
	    take_number(&p, end, &count) == -1)
		return -1;
	while (p < end && *p == ' ')
		p++;
	return p != end || __builtin_add_overflow(q->bytes, bytes, &q->bytes) ||
		       __builtin_add_overflow(q->count, count, &q->count)
		   ? -1
		   : 0;
}

static void warn_limit(const char *p, size_t n)
{
	warn_msg("maildirsize: no quota can be read from %.*s", (int)(n < 64 ? n : 64),
		 p);
}

int quota_parse(struct quota *q, const char *p, size_t n)
{
	const char *end = p + n;
	const char *line = memchr(p, '\n', n);
	size_t first = line != NULL ? (size_t)(line - p) : n;

	*q = (struct quota){0};
	if (quota_limits(q, p, first) == -1) {
		warn_limit(p, first);
		*q = (struct quota){0};
		return -1;
	}
	if (line == NULL)
		return -1;
	for (p = line + 1; p < end; p = line + 1) {
		line = memchr(p, '\n', (size_t)(end - p));
		if (line == NULL || take_line(q, p, line) == -1)
			return -1;
	}
	return 0;
}

int quota_print(char *out, size_t size, const struct quota *q)
{
	char limits[64];
	size_t n = 0;

	limits[0] = '\0';
	if (q->max_bytes != 0)
		n = (size_t)snprintf(limits, sizeof limits, "%" PRIu64 "S", q->max_bytes);
	if (q->max_count != 0)
		(void)snprintf(limits + n, sizeof limits - n, "%s%" PRIu64 "C",
			       n > 0 ? "," : "", q->max_count);
	return snprintf(out, size, "%s\n%" PRId64 " %" PRId64 "\n", limits, q->bytes,
			q->count);
}
