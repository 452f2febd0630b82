#include "send.h"

#include <string.h>

#include "rbuf.h"

void wire_begin(struct wire *w, struct obuf *out, int64_t lines)
{
	*w = (struct wire){.out = out, .last = '\n', .lines = lines};
}

static int put(struct wire *w, const char *p, size_t n)
{
	if (n == 0)
		return 0;
	w->last = p[n - 1];
	w->line += n;
	w->bytes += n;
	return obuf_put(w->out, p, n);
}

static int end_line(struct wire *w)
{
	int has_cr = w->last == '\r';

	w->last = '\n';
	w->line = 0;
	w->bytes += has_cr ? 1 : 2;
	return has_cr ? obuf_put(w->out, "\n", 1) : obuf_crlf(w->out);
}

/* What is in front of the next LF, or all. */
static int put_piece(struct wire *w, const char *p, size_t n)
{
	if (w->last == '\n' && n > 0 && *p == '.' && obuf_put(w->out, ".", 1) == -1)
		return -1;
	return put(w, p, n);
}

/* The header's end, and lines of the body: 0 when that was the last one wanted. */
static int count_line(struct wire *w, int blank)
{
	if (w->lines == -1)
		return 1;
	if (w->in_body)
		w->lines--;
	else if (blank)
		w->in_body = 1;
	return !w->in_body || w->lines > 0;
}

int wire_put(struct wire *w, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((lf != NULL ? lf : end) - p);
		int blank;

		if (put_piece(w, p, len) == -1)
			return -1;
		if (lf == NULL)
			return 1;
		blank = w->line == 0 || (w->line == 1 && w->last == '\r');
		if (end_line(w) == -1)
			return -1;
		if (!count_line(w, blank))
			return 0;
		p = lf + 1;
	}
	return 1;
}

int wire_end(struct wire *w)
{
	w->open_end = w->last != '\n';
	if (w->open_end && put(w, "\r\n", 2) == -1)
		return -1;
	return obuf_puts(w->out, ".\r\n");
}
