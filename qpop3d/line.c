#include "line.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"

/* The kernel watches the time where it can: one call less for each command. */
static ssize_t hear(const struct session *s, char *p, size_t n)
{
	ssize_t r;

	if (!s->is_timed)
		return fd_read_some(0, p, n, clock_mono_ms() + SESSION_IDLE_MS);
	do
		r = read(0, p, n);
	while (r == -1 && errno == EINTR);
	if (r == -1 && errno == EAGAIN)
		errno = ETIMEDOUT;
	return r;
}

/* More of the client's bytes; what was said goes out before anybody waits. */
static int fill(struct session *s)
{
	ssize_t n;

	memmove(s->in, s->in + s->at, s->end - s->at);
	s->end -= s->at;
	s->at = 0;
	s->out.deadline = clock_mono_ms() + SESSION_IDLE_MS;
	if (obuf_flush(&s->out) == -1) {
		s->over = "lost";
		return -1;
	}
	n = hear(s, s->in + s->end, sizeof s->in - s->end);
	if (n <= 0) {
		s->over = n == -1 && errno == ETIMEDOUT ? "idle" : "lost";
		return -1;
	}
	s->end += (size_t)n;
	return 0;
}

/* Where the next line ends, however its bytes came in. */
static char *find_end(struct session *s)
{
	for (;;) {
		size_t there = s->end - s->at;
		char *lf = memchr(s->in + s->at, '\n',
				  there < SESSION_LINE ? there : SESSION_LINE);

		if (lf != NULL)
			return lf;
		if (there >= SESSION_LINE) {
			s->over = "long line";
			return NULL;
		}
		if (fill(s) == -1)
			return NULL;
	}
}

/* LF alone will do, as before the login. */
char *session_line(struct session *s, size_t *n)
{
	char *lf = find_end(s);
	char *line = s->in + s->at;

	if (lf == NULL)
		return NULL;
	*n = (size_t)(lf - line);
	s->at += *n + 1;
	if (*n > 0 && line[*n - 1] == '\r')
		--*n;
	line[*n] = '\0';
	return line;
}
