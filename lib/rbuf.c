#include "rbuf.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"

void rbuf_init(struct rbuf *r, int fd, struct obuf *tie)
{
	r->fd = fd;
	r->deadline = CLOCK_NEVER;
	r->tie = tie;
	r->at = r->end = r->touched = 0;
	r->kernel_ms = 0;
}

void rbuf_kernel_timeout(struct rbuf *r, int64_t ms)
{
	/* A little less: it must be over when the deadline is. */
	int64_t less = ms - ms / 16 - 1;
	struct timeval tv = {less / 1000, less % 1000 * 1000};

	if (less > 0 && less < INT_MAX &&
	    setsockopt(r->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv) == 0)
		r->kernel_ms = (int)less;
}

static ssize_t receive(const struct rbuf *r, char *p, size_t n)
{
	if (r->kernel_ms > 0 && clock_left_ms(r->deadline) >= r->kernel_ms) {
		ssize_t got = read(r->fd, p, n);

		if (got != -1 || (errno != EAGAIN && errno != EINTR))
			return got;
	}
	return fd_read_some(r->fd, p, n, r->deadline);
}

void rbuf_wipe(struct rbuf *r)
{
	explicit_bzero(r->buf, r->at);
	explicit_bzero(r->buf + r->end, r->touched - r->end);
	r->touched = r->end;
}

size_t rbuf_pending(const struct rbuf *r)
{
	return r->end - r->at;
}

int rbuf_is_talking(const struct rbuf *r, int64_t deadline)
{
	return rbuf_pending(r) > 0 || fd_wait(r->fd, POLLIN, deadline) == 0;
}

/* Read more behind what is there; the whole buffer can be used for it. */
static int fill(struct rbuf *r)
{
	ssize_t n;

	if (r->at > 0) {
		memmove(r->buf, r->buf + r->at, rbuf_pending(r));
		r->end -= r->at;
		r->at = 0;
	}
	if (r->end == sizeof r->buf) {
		errno = E2BIG;
		return -1;
	}
	if (r->tie != NULL && obuf_flush(r->tie) == -1)
		return -1;
	n = receive(r, r->buf + r->end, sizeof r->buf - r->end);
	if (n <= 0)
		return (int)n;
	r->end += (size_t)n;
	if (r->end > r->touched)
		r->touched = r->end;
	return 1;
}

int rbuf_some(struct rbuf *r, const char **p, size_t *n)
{
	int got = rbuf_pending(r) > 0 ? 1 : fill(r);

	*p = r->buf + r->at;
	*n = rbuf_pending(r);
	return got;
}

void rbuf_take(struct rbuf *r, size_t n)
{
	r->at += n;
}

/* A line is what ends with CRLF and has no other CR, LF or NUL. */
static int check_line(const char *p, size_t n)
{
	int e = 0;

	if (memchr(p, '\0', n) != NULL)
		e = EILSEQ;
	else if (n == 0 || p[n - 1] != '\r' || memchr(p, '\r', n - 1) != NULL)
		e = EBADMSG;
	if (e == 0)
		return 0;
	errno = e;
	return -1;
}

int rbuf_line(struct rbuf *r, size_t max, const char **line, size_t *len)
{
	size_t seen = 0;
	const char *lf;

	while ((lf = memchr(r->buf + r->at + seen, '\n', rbuf_pending(r) - seen)) ==
	       NULL) {
		int got;

		seen = rbuf_pending(r);
		got = fill(r);
		if (got <= 0)
			return got;
	}
	*line = r->buf + r->at;
	*len = (size_t)(lf - *line);
	rbuf_take(r, *len + 1);
	if (check_line(*line, *len) == -1)
		return -1;
	(*len)--;
	if (*len > max) {
		errno = EMSGSIZE;
		return -1;
	}
	return 1;
}

void obuf_init(struct obuf *w, int fd)
{
	w->fd = fd;
	w->deadline = CLOCK_NEVER;
	w->len = 0;
}

/* A socket nearly always takes it at once: ask before waiting for it. Never in a call
 * that blocks, for where some bytes find room it would wait until all do. */
static int send_all(const struct obuf *w, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(w->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent == -1 && errno == ENOTSOCK)
			return fd_write_full(w->fd, p, n, w->deadline);
		if (sent == -1 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (sent == -1 && fd_wait(w->fd, POLLOUT, w->deadline) == -1)
			return -1;
		if (sent > 0) {
			p += sent;
			n -= (size_t)sent;
		}
	}
	return 0;
}

int obuf_flush(struct obuf *w)
{
	size_t n = w->len;

	w->len = 0;
	return n > 0 ? send_all(w, w->buf, n) : 0;
}

int obuf_put(struct obuf *w, const void *p, size_t n)
{
	if (n > sizeof w->buf - w->len && obuf_flush(w) == -1)
		return -1;
	if (n > sizeof w->buf)
		return send_all(w, p, n);
	memcpy(w->buf + w->len, p, n);
	w->len += n;
	return 0;
}

int obuf_crlf(struct obuf *w)
{
	if (sizeof w->buf - w->len < 2 && obuf_flush(w) == -1)
		return -1;
	w->buf[w->len++] = '\r';
	w->buf[w->len++] = '\n';
	return 0;
}

int obuf_puts(struct obuf *w, const char *s)
{
	return obuf_put(w, s, strlen(s));
}
