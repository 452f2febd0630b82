#include "input.h"

#include <string.h>

#include "clock.h"
#include "fdio.h"

void input_init(struct input *in, int fd)
{
	in->fd = fd;
	in->at = in->len = 0;
	in->in_line = 0;
}

/* More bytes behind those that are left: a count, 0 at the end of file, -1. */
static ssize_t fill(struct input *in)
{
	ssize_t r;

	if (in->at > 0) {
		memmove(in->buf, in->buf + in->at, in->len - in->at);
		in->len -= in->at;
		in->at = 0;
	}
	r = fd_read_some(in->fd, in->buf + in->len, sizeof in->buf - in->len,
			 CLOCK_NEVER);
	if (r > 0)
		in->len += (size_t)r;
	return r;
}

static void clean(struct piece *piece)
{
	char *cr = piece->p;
	char *end;

	if (piece->ends && piece->n > 0 && piece->p[piece->n - 1] == '\r')
		piece->n--;
	end = piece->p + piece->n;
	while (cr < end && (cr = memchr(cr, '\r', (size_t)(end - cr))) != NULL)
		*cr++ = ' ';
}

static int give(struct input *in, struct piece *piece, size_t n, int ends, size_t skip)
{
	*piece = (struct piece){in->buf + in->at, n, !in->in_line, ends};
	in->at += n + skip;
	in->in_line = !ends;
	clean(piece);
	return 1;
}

int input_piece(struct input *in, struct piece *piece)
{
	size_t seen = 0;

	for (;;) {
		char *p = in->buf + in->at;
		size_t n = in->len - in->at;
		char *lf = memchr(p + seen, '\n', n - seen);
		ssize_t r;

		if (lf != NULL)
			return give(in, piece, (size_t)(lf - p), 1, 1);
		/* A CR at the end of the buffer stays: an LF may follow. */
		if (n == sizeof in->buf)
			return give(in, piece, n - (p[n - 1] == '\r'), 0, 0);
		seen = n;
		r = fill(in);
		if (r == -1)
			return -1;
		if (r == 0)
			return n > 0 || in->in_line ? give(in, piece, n, 1, 0) : 0;
	}
}
