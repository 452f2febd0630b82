#include "body.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "rbuf.h"

void body_init(struct body *b, int fd, uint64_t offset, uint64_t len, const uint8_t *sum)
{
	b->fd = fd;
	b->offset = offset;
	b->len = len;
	b->sum = sum;
	b->at = 0;
	b->n = 0;
}

static enum body_result load(struct body *b, uint64_t at)
{
	size_t want = b->len - at < BODY_BLOCK ? (size_t)(b->len - at) : BODY_BLOCK;
	size_t n = 0;

	if (b->n > 0 && b->at == at)
		return BODY_OK;
	b->n = 0;
	while (n < want) {
		ssize_t r =
		    pread(b->fd, b->block + n, want - n, (off_t)(b->offset + at + n));

		if (r == 0)
			return BODY_CORRUPT;
		if (r == -1 && errno != EINTR)
			return BODY_DISK;
		n += r > 0 ? (size_t)r : 0;
	}
	b->at = at;
	b->n = n;
	return BODY_OK;
}

/* Without branches, so that the compiler can do many bytes at a time. */
static int is_eight_bit(const char *p, size_t n)
{
	unsigned char all = 0;

	for (size_t i = 0; i < n; i++)
		all |= (unsigned char)p[i];
	return all > 127;
}

static uint64_t count_lines(const char *p, size_t n)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += p[i] == '\n';
	return lines;
}

enum body_result body_scan(struct body *b)
{
	b->eight_bit = b->bare_cr = 0;
	b->wire = b->len;
	for (uint64_t at = 0; at < b->len; at += b->n) {
		enum body_result r = load(b, at);

		if (r != BODY_OK)
			return r;
		b->eight_bit |= is_eight_bit(b->block, b->n);
		b->bare_cr |= memchr(b->block, '\r', b->n) != NULL;
		b->wire += count_lines(b->block, b->n);
	}
	return BODY_OK;
}

/* *at_start: the next byte begins a line, in this block or the one before. */
static int put_block(struct obuf *w, const char *p, size_t n, int *at_start)
{
	while (n > 0) {
		const char *lf = memchr(p, '\n', n);
		size_t len = lf != NULL ? (size_t)(lf - p) : n;

		if (*at_start && *p == '.' && obuf_put(w, ".", 1) == -1)
			return -1;
		if (obuf_put(w, p, len) == -1 || (lf != NULL && obuf_crlf(w) == -1))
			return -1;
		*at_start = lf != NULL;
		len += lf != NULL;
		p += len;
		n -= len;
	}
	return 0;
}

enum body_result body_send(struct body *b, struct obuf *w, int64_t block_time,
			   int64_t deadline)
{
	struct sum s;
	uint8_t got[SUM_LEN];
	int at_start = 1;

	sum_init(&s);
	for (uint64_t at = 0; at < b->len; at += b->n) {
		enum body_result r = load(b, at);

		if (r != BODY_OK)
			return r;
		sum_add(&s, b->block, b->n);
		w->deadline = clock_sooner(clock_mono_ms() + block_time, deadline);
		if (put_block(w, b->block, b->n, &at_start) == -1)
			return BODY_PEER;
	}
	sum_end(&s, got);
	if (memcmp(got, b->sum, SUM_LEN) != 0)
		return BODY_CORRUPT;
	return !at_start && obuf_crlf(w) == -1 ? BODY_PEER : BODY_OK;
}
