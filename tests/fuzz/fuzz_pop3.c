/* POP3 behind its login: a client's line, and a message on its way to the client. The
 * first byte says how large the pieces are in which the message is read, the second how
 * many lines TOP wants. What goes out is what a slow reading of RFC 1939 3 says. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../qpop3d/common.h"
#include "../../qpop3d/parse.h"
#include "../../qpop3d/send.h"
#include "rbuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 4000, ALL = 255 };

static void read_line(const uint8_t *data, size_t size)
{
	struct pop3_line l;
	char *line = malloc(size + 1);
	uint32_t n;

	if (line == NULL)
		abort();
	memcpy(line, data, size);
	line[size] = '\0';
	if (strlen(pop3_lang(line)) == 0)
		abort();
	pop3_split(&l, line);
	for (size_t i = 0; i < l.nargs && i < POP3_ARGS; i++)
		if (l.arg[i][0] == '\0' || strpbrk(l.arg[i], " \t") != NULL ||
		    (pop3_number(l.arg[i], 1000, &n) == 0 && n > 1000))
			abort();
	free(line);
}

struct plain {
	char p[3 * INPUT_MAX + 10];
	size_t n;
};

static void add(struct plain *o, const char *p, size_t n)
{
	memcpy(o->p + o->n, p, n);
	o->n += n;
}

/* A line at a time; without its CR LF or LF. */
static void slowly(struct plain *o, const char *p, size_t n, long lines)
{
	const char *end = p + n;
	int in_body = 0;

	while (p < end && (lines == -1 || !in_body || lines > 0)) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		const char *stop = lf != NULL ? lf : end;

		if (lf != NULL && stop > p && stop[-1] == '\r')
			stop--;
		if (*p == '.' && stop > p)
			add(o, ".", 1);
		add(o, p, (size_t)(stop - p));
		add(o, "\r\n", 2);
		if (in_body && lines > 0)
			lines--;
		in_body |= stop == p;
		p = lf != NULL ? lf + 1 : end;
	}
	add(o, ".\r\n", 3);
}

static void send_message(const char *p, size_t n, size_t piece, long lines)
{
	static struct obuf out;
	static struct plain want;
	struct wire w;
	int more = 1;

	obuf_init(&out, -1); /* it never fills */
	wire_begin(&w, &out, lines);
	for (size_t at = 0; at < n && more == 1; at += piece)
		more = wire_put(&w, p + at, n - at < piece ? n - at : piece);
	if (more == -1 || wire_end(&w) == -1)
		abort();
	want.n = 0;
	slowly(&want, p, n, lines);
	if (out.len != want.n || memcmp(out.buf, want.p, want.n) != 0)
		abort();
	if (w.bytes > want.n - 3)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy;

	if (size < 2 || size > INPUT_MAX)
		return 0;
	read_line(data + 2, size - 2);
	copy = malloc(size - 2 > 0 ? size - 2 : 1);
	if (copy == NULL)
		abort();
	memcpy(copy, data + 2, size - 2);
	send_message(copy, size - 2, (size_t)data[0] + 1, data[1] == ALL ? -1 : data[1]);
	free(copy);
	return 0;
}
