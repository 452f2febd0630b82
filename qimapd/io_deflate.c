/* Compression of io.h (RFC 4978): raw deflate both ways, zlib's smaller windows for what
 * we send, so that a session costs 200 KB more and not 300. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "io.h"
#include "io_int.h"

enum { RAW = 16384, LEVEL = 3, SEND_WINDOW = -14, SEND_MEMORY = 7, READ_WINDOW = -15 };

static struct deflated {
	z_stream in, out;
	Bytef raw_in[RAW];
	Bytef raw_out[RAW];
} * z;

int deflate_is_on(void)
{
	return z != NULL;
}

int deflate_begin(const char *p, size_t n)
{
	struct deflated *new = calloc(1, sizeof *new);

	if (new == NULL || n > sizeof new->raw_in ||
	    inflateInit2(&new->in, READ_WINDOW) != Z_OK) {
		free(new);
		errno = ENOMEM;
		return -1;
	}
	if (deflateInit2(&new->out, LEVEL, Z_DEFLATED, SEND_WINDOW, SEND_MEMORY,
			 Z_DEFAULT_STRATEGY) != Z_OK) {
		(void)inflateEnd(&new->in);
		free(new);
		errno = ENOMEM;
		return -1;
	}
	memcpy(new->raw_in, p, n);
	new->in.next_in = new->raw_in;
	new->in.avail_in = (uInt)n;
	z = new;
	return 0;
}

void deflate_send(const char *p, size_t n, int flush)
{
	z->out.next_in = (Bytef *)p;
	z->out.avail_in = (uInt)n;
	do {
		z->out.next_out = z->raw_out;
		z->out.avail_out = sizeof z->raw_out;
		(void)deflate(&z->out, flush ? Z_SYNC_FLUSH : Z_NO_FLUSH);
		io_send((char *)z->raw_out, sizeof z->raw_out - z->out.avail_out);
	} while (z->out.avail_out == 0);
}

/* What zlib can give of what it has; -1: that is no deflated stream, or its end. */
static ssize_t inflate_some(void *p, size_t n)
{
	int r;

	z->in.next_out = p;
	z->in.avail_out = (uInt)n;
	r = inflate(&z->in, Z_SYNC_FLUSH);
	if (z->in.avail_out < n)
		return (ssize_t)(n - z->in.avail_out);
	return r == Z_OK || r == Z_BUF_ERROR ? 0 : -1;
}

ssize_t deflate_receive(void *p, size_t n, int wait, int64_t deadline)
{
	for (;;) {
		ssize_t r = inflate_some(p, n);

		if (r == -1)
			io_lost("sends what is not deflated");
		if (r > 0 || !wait)
			return r;
		r = io_receive(z->raw_in, sizeof z->raw_in, deadline);
		if (r <= 0)
			return r;
		z->in.next_in = z->raw_in;
		z->in.avail_in = (uInt)r;
	}
}
