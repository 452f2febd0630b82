#include "netstr.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "fdio.h"
#include "sbuf.h"

enum { HEAD_MAX = 24 }; /* 20 digits, colon, NUL */

/* IN_FIRST: before a length; IN_ZERO: behind a leading 0. */
enum { IN_FIRST, IN_ZERO, IN_LENGTH, IN_BYTES };

void netstr_init(struct netstr *s, size_t max)
{
	*s = (struct netstr){.max = max, .state = IN_FIRST};
}

int netstr_between(const struct netstr *s)
{
	return s->state == IN_FIRST;
}

static int fail(int e)
{
	errno = e;
	return -1;
}

/* One byte of "LENGTH:". */
static int take_length(struct netstr *s, char c)
{
	if (c == ':' && s->state != IN_FIRST) {
		s->state = IN_BYTES;
		return 0;
	}
	if (c < '0' || c > '9' || s->state == IN_ZERO)
		return fail(EBADMSG);
	if (__builtin_mul_overflow(s->left, 10, &s->left) ||
	    __builtin_add_overflow(s->left, (size_t)(c - '0'), &s->left) ||
	    s->left > s->max)
		return fail(EMSGSIZE);
	s->state = s->left == 0 ? IN_ZERO : IN_LENGTH;
	return 0;
}

static int take_comma(struct netstr *s, char c)
{
	if (c != ',')
		return fail(EBADMSG);
	netstr_init(s, s->max);
	return NETSTR_END;
}

int netstr_next(struct netstr *s, const char **p, size_t *n, const char **bytes,
		size_t *len)
{
	for (; *n > 0 && s->state != IN_BYTES; ++*p, --*n)
		if (take_length(s, **p) == -1)
			return -1;
	if (*n == 0)
		return NETSTR_MORE;
	if (s->left == 0) {
		--*n;
		return take_comma(s, *(*p)++);
	}
	*bytes = *p;
	*len = *n < s->left ? *n : s->left;
	s->left -= *len;
	*p += *len;
	*n -= *len;
	return NETSTR_BYTES;
}

static size_t put_head(char out[HEAD_MAX], size_t n)
{
	return (size_t)snprintf(out, HEAD_MAX, "%zu:", n);
}

int netstr_put(struct sbuf *b, const void *p, size_t n)
{
	char head[HEAD_MAX];
	size_t h = put_head(head, n);
	size_t whole;

	if (__builtin_add_overflow(h + 1, n, &whole))
		return fail(EMSGSIZE);
	if (sbuf_reserve(b, whole) == -1 || sbuf_cat(b, head, h) == -1 ||
	    sbuf_cat(b, p, n) == -1)
		return -1;
	return sbuf_catc(b, ',');
}

/* ---- waiting ---- */

static int dead_is_epipe(void)
{
	if (errno == ECONNRESET)
		errno = EPIPE;
	return -1;
}

static int refill(struct netstr_reader *r, int fd, int64_t deadline)
{
	ssize_t n = fd_read_some(fd, r->buf, sizeof r->buf, deadline);

	if (n == -1)
		return dead_is_epipe();
	if (n == 0)
		return fail(EPIPE);
	r->from = 0;
	r->to = (size_t)n;
	return 0;
}

int netstr_byte(struct netstr_reader *r, int fd, char *c, int64_t deadline)
{
	if (r->from == r->to && refill(r, fd, deadline) == -1)
		return -1;
	*c = r->buf[r->from++];
	return 0;
}

int netstr_read(struct netstr_reader *r, int fd, char *out, size_t size, size_t *len,
		int64_t deadline)
{
	struct netstr s;
	size_t fill = 0;

	netstr_init(&s, size - 1);
	for (;;) {
		const char *p = r->buf + r->from;
		size_t n = r->to - r->from;
		const char *bytes;
		size_t got;
		int event = netstr_next(&s, &p, &n, &bytes, &got);

		r->from = r->to - n;
		if (event == -1)
			return -1;
		if (event == NETSTR_BYTES) {
			memcpy(out + fill, bytes, got);
			fill += got;
		} else if (event == NETSTR_END) {
			out[fill] = '\0';
			*len = fill;
			return 0;
		} else if (refill(r, fd, deadline) == -1)
			return -1;
	}
}

/* Drop n sent bytes from the front of what m still has to send. */
static void advance(struct msghdr *m, size_t n)
{
	while (m->msg_iovlen > 0 && n >= m->msg_iov->iov_len) {
		n -= m->msg_iov->iov_len;
		m->msg_iov++;
		m->msg_iovlen--;
	}
	if (m->msg_iovlen > 0) {
		m->msg_iov->iov_base = (char *)m->msg_iov->iov_base + n;
		m->msg_iov->iov_len -= n;
	}
}

static void add(struct msghdr *m, const void *p, size_t n)
{
	m->msg_iov[m->msg_iovlen++] = (struct iovec){(void *)p, n};
}

int netstr_write(int fd, const struct netstr_part *part, size_t count, const char *behind,
		 int64_t deadline)
{
	char head[NETSTR_PARTS][HEAD_MAX];
	struct iovec iov[3 * NETSTR_PARTS + 1];
	struct msghdr m = {.msg_iov = iov};

	for (size_t i = 0; i < count; i++) {
		add(&m, head[i], put_head(head[i], part[i].n));
		add(&m, part[i].p, part[i].n);
		add(&m, ",", 1);
	}
	add(&m, behind, strlen(behind));
	while (m.msg_iovlen > 0) {
		ssize_t w = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (w >= 0)
			advance(&m, (size_t)w);
		else if (errno == EAGAIN) {
			if (fd_wait(fd, POLLOUT, deadline) == -1)
				return -1;
		} else if (errno != EINTR)
			return dead_is_epipe();
	}
	return 0;
}
