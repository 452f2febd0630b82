#include "data.h"

#include <string.h>

static const char received[] = "received:";

enum { RECEIVED_LEN = sizeof received - 1 };

void data_init(struct data *d, void (*sink)(void *arg, const char *p, size_t n),
	       void *arg)
{
	memset(d, 0, sizeof *d);
	d->sink = sink;
	d->arg = arg;
}

/* A piece of a header line: does the line begin with "Received:"? */
static void watch_text(struct data *d, const char *p, size_t n)
{
	for (size_t i = 0; i < n && d->column + i == d->matched; i++) {
		char c = (char)(p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i]);

		if (d->matched == RECEIVED_LEN || c != received[d->matched])
			break;
		d->matched++;
	}
	if (d->column == 0)
		d->is_field = p[0] == ' ' || p[0] == '\t';
	d->is_field |= memchr(p, ':', n) != NULL;
	d->column += n;
	d->header_bytes += n;
}

/* The header ends with an empty line, or the first that is no field. */
static void watch_line_end(struct data *d)
{
	d->in_body = d->column == 0 || !d->is_field;
	d->hops += d->matched == RECEIVED_LEN;
	d->column = d->matched = 0;
	d->header_bytes++;
}

static void emit_text(struct data *d, const char *p, size_t n)
{
	if (n == 0)
		return;
	if (!d->in_body)
		watch_text(d, p, n);
	d->bytes += n;
	d->sink(d->arg, p, n);
}

static void emit_line_end(struct data *d)
{
	if (!d->in_body)
		watch_line_end(d);
	d->bytes++;
	d->sink(d->arg, "\n", 1);
}

/* Up to the next CR, LF or NUL. */
static size_t run_length(const char *p, size_t n)
{
	size_t i = 0;

	for (;;) {
		while (i < n && (unsigned char)p[i] > '\r')
			i++;
		if (i == n || p[i] == '\r' || p[i] == '\n' || p[i] == '\0')
			return i;
		i++;
	}
}

/* Inside a line: a run of text, or the byte that ends one. Returns bytes taken. */
static size_t take_text(struct data *d, const char *p, size_t n, int *bad)
{
	size_t len = run_length(p, n);

	emit_text(d, p, len);
	if (len == n)
		return n;
	*bad = p[len] == '\n';
	d->has_nul |= p[len] == '\0';
	if (p[len] == '\r')
		d->state = DATA_CR;
	return len + 1;
}

enum data_result data_decode(struct data *d, const char *p, size_t n, size_t *used)
{
	size_t i = 0;
	int bad = 0;

	while (i < n && !bad) {
		switch (d->state) {
		case DATA_BOL:
			d->state = p[i] == '.' ? DATA_DOT : DATA_TEXT;
			i += p[i] == '.';
			break;
		case DATA_DOT:
			d->state = p[i] == '\r' ? DATA_DOT_CR : DATA_TEXT;
			i += p[i] == '\r';
			break;
		case DATA_TEXT:
			i += take_text(d, p + i, n - i, &bad);
			break;
		case DATA_CR:
			bad = p[i++] != '\n';
			if (!bad)
				emit_line_end(d);
			d->state = DATA_BOL;
			break;
		case DATA_DOT_CR:
			*used = ++i;
			return p[i - 1] == '\n' ? DATA_END : DATA_BAD;
		}
	}
	*used = i;
	return bad ? DATA_BAD : DATA_MORE;
}
