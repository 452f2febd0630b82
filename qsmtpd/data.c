#include "data.h"

#include <stdint.h>
#include <string.h>

#include "ascii.h"

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
		if (d->matched == RECEIVED_LEN ||
		    ascii_lower(p[i]) != received[d->matched])
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

/* Is there one below 0x0e among eight bytes? Where one is, the answer may be wrong about
 * those behind it, but not about whether. */
static int has_control(const char *p)
{
	const uint64_t ones = UINT64_MAX / 0xff;
	uint64_t w;

	memcpy(&w, p, sizeof w);
	return ((w - 0x0e * ones) & ~w & 0x80 * ones) != 0;
}

/* Up to the next CR, LF or NUL. */
static size_t run_length(const char *p, size_t n)
{
	size_t i = 0;

	for (;;) {
		while (n - i >= sizeof(uint64_t) && !has_control(p + i))
			i += sizeof(uint64_t);
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

/* In the body, p at the LF of a CRLF: it and the text of the next line stand side by side
 * and go on as one piece; and so on while whole lines follow. Returns bytes taken. */
static size_t take_lines(struct data *d, const char *p, size_t n)
{
	size_t i = 0;

	for (;;) {
		size_t from = i++;

		if (i < n && p[i] != '.')
			i += run_length(p + i, n - i);
		d->bytes += i - from;
		d->sink(d->arg, p + from, i - from);
		d->state = i - from > 1 ? DATA_TEXT : DATA_BOL;
		if (n - i < 2 || p[i] != '\r' || p[i + 1] != '\n')
			return i;
		i++;
	}
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
			bad = p[i] != '\n';
			if (!bad && d->in_body) {
				i += take_lines(d, p + i, n - i);
				break;
			}
			if (!bad)
				emit_line_end(d);
			i++;
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
