/* Lines of a client, and to it. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "fdio.h"
#include "linger.h"
#include "login/login.h"
#include "qlog.h"

/* At most n bytes, none behind a line's end. The kernel keeps what was only looked at. */
static ssize_t take_some(struct login *l, char *p, size_t n)
{
	ssize_t r;
	const char *lf;

	if (!l->is_socket)
		return fd_read_some(l->in, p, 1, l->end);
	do {
		if (fd_wait(l->in, POLLIN, l->end) == -1)
			return -1;
		r = recv(l->in, p, n, MSG_PEEK);
	} while (r == -1 && (errno == EAGAIN || errno == EINTR));
	if (r <= 0)
		return r;
	lf = memchr(p, '\n', (size_t)r);
	return recv(l->in, p, lf != NULL ? (size_t)(lf - p) + 1 : (size_t)r, 0);
}

static int is_clean(const char *p, size_t n)
{
	for (; n > 0; p++, n--)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return 0;
	return 1;
}

static int ended(struct login *l, ssize_t r)
{
	if (r == -1 && errno == ETIMEDOUT)
		return -1;
	l->over = OVER_ENDED;
	return 0;
}

/* A line ends with CR LF; for people with netcat LF will do. */
int login_line(struct login *l, char *buf, size_t size, size_t *n)
{
	size_t len = 0;

	do {
		ssize_t r;

		if (len == size - 1) {
			errno = EMSGSIZE;
			return -1;
		}
		r = take_some(l, buf + len, size - 1 - len);
		if (r <= 0)
			return ended(l, r);
		len += (size_t)r;
	} while (buf[len - 1] != '\n');
	len--;
	if (len > 0 && buf[len - 1] == '\r')
		len--;
	buf[len] = '\0';
	*n = len;
	if (is_clean(buf, len))
		return 1;
	errno = EILSEQ;
	return -1;
}

int login_bytes(struct login *l, char *buf, size_t n)
{
	return fd_read_full(l->in, buf, n, l->end) == 0 ? 1 : ended(l, -1);
}

void login_say(struct login *l, const char *fmt, ...)
{
	char text[LOGIN_SAID];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text - 2, fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if (n > (int)sizeof text - 3)
		n = (int)sizeof text - 3;
	text[n++] = '\r';
	text[n++] = '\n';
	if (fd_write_full(l->out, text, (size_t)n, l->end) == -1)
		l->over = OVER_ENDED;
}

void login_refuse(struct login *l, const char *why)
{
	struct qlog q;

	qlog_begin(&q, "refuse");
	qlog_str(&q, "reason", why);
	qlog_str(&q, "client", l->client);
	qlog_end(&q);
}

/* Whoever says QUIT or LOGOUT says nothing behind it, mostly. */
static int may_talk(const struct login *l)
{
	return l->over == OVER_CUT || fd_wait(l->in, POLLIN, 0) == 0;
}

int login_end(struct login *l)
{
	if (l->over == OVER_PASSED_ON)
		return 0;
	if (l->tls_on)
		linger_tls(l->in, l->out);
	else if (may_talk(l))
		linger(l->in, l->out);
	return 0;
}
