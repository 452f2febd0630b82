#include "head.h"

#include <string.h>
#include <strings.h>

void head_init(struct head *h, const char *to)
{
	h->to = to;
	h->in_body = h->dropping = h->split = h->loops = 0;
	h->n = 0;
}

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The value behind "NAME:" (blanks before the colon are obsolete syntax, RFC 5322
 * 4.5, and still read by everybody), or NULL. */
static const char *field_value(const char *p, size_t n, const char *name)
{
	size_t len = strlen(name);

	if (n <= len || strncasecmp(p, name, len) != 0)
		return NULL;
	while (len < n && is_blank(p[len]))
		len++;
	return len < n && p[len] == ':' ? p + len + 1 : NULL;
}

static int names(const char *v, const char *end, const char *to)
{
	size_t n;

	while (v < end && is_blank(*v))
		v++;
	while (end > v && (is_blank(end[-1]) || end[-1] == '\n'))
		end--;
	n = (size_t)(end - v);
	return n == strlen(to) && strncasecmp(v, to, n) == 0;
}

/* Decide on a line by its beginning, and pass it on or not. */
static int decide(struct head *h, const char *p, size_t n, message_sink *sink, void *arg)
{
	const char *v;

	if (n == 1 && p[0] == '\n') {
		h->in_body = 1;
		h->dropping = 0;
	} else if (!is_blank(p[0]))
		h->dropping = field_value(p, n, "Return-Path") != NULL;
	v = field_value(p, n, "Delivered-To");
	if (v != NULL && names(v, p + n, h->to))
		h->loops = 1;
	return h->dropping ? 0 : sink(arg, p, n);
}

/* Collect a line that came in pieces, until it is whole or its fate is clear. */
static int collect(struct head *h, const char *p, size_t n, message_sink *sink, void *arg)
{
	size_t kept = h->n;

	memcpy(h->line + kept, p, n);
	h->n += n;
	if (p[n - 1] != '\n' && h->n < sizeof h->line)
		return 0;
	h->split = p[n - 1] != '\n';
	h->n = 0;
	return decide(h, h->line, kept + n, sink, arg);
}

/* One line or a piece of one; n > 0. */
static int take_piece(struct head *h, const char *p, size_t n, message_sink *sink,
		      void *arg)
{
	size_t room = sizeof h->line - h->n;

	if (h->split) {
		h->split = p[n - 1] != '\n';
		return h->dropping ? 0 : sink(arg, p, n);
	}
	if (h->n == 0 && p[n - 1] == '\n')
		return decide(h, p, n, sink, arg);
	if (n <= room)
		return collect(h, p, n, sink, arg);
	return collect(h, p, room, sink, arg) == -1
		   ? -1
		   : take_piece(h, p + room, n - room, sink, arg);
}

int head_take(struct head *h, const char *p, size_t n, message_sink *sink, void *arg)
{
	while (n > 0 && !h->in_body) {
		const char *lf = memchr(p, '\n', n);
		size_t piece = lf != NULL ? (size_t)(lf - p) + 1 : n;

		if (take_piece(h, p, piece, sink, arg) == -1)
			return -1;
		p += piece;
		n -= piece;
	}
	return n > 0 ? sink(arg, p, n) : 0;
}

int head_end(struct head *h, message_sink *sink, void *arg)
{
	size_t n = h->n;

	h->n = 0;
	return n > 0 ? decide(h, h->line, n, sink, arg) : 0;
}
