#include "wbuf.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "fdio.h"

void wbuf_init(struct wbuf *w, int fd)
{
	w->fd = fd;
	w->error = 0;
	w->n = 0;
	w->bytes = 0;
}

int wbuf_flush(struct wbuf *w)
{
	if (w->error == 0 && w->n > 0 &&
	    fd_write_full(w->fd, w->buf, w->n, CLOCK_NEVER) == -1)
		w->error = errno;
	w->n = 0;
	if (w->error == 0)
		return 0;
	errno = w->error;
	return -1;
}

int wbuf_put(struct wbuf *w, const void *p, size_t n)
{
	const char *at = p;

	w->bytes += n;
	while (n > 0) {
		size_t part = sizeof w->buf - w->n;

		if (part > n)
			part = n;
		memcpy(w->buf + w->n, at, part);
		w->n += part;
		at += part;
		n -= part;
		if (w->n == sizeof w->buf && wbuf_flush(w) == -1)
			return -1;
	}
	if (w->error == 0)
		return 0;
	errno = w->error;
	return -1;
}

int wbuf_puts(struct wbuf *w, const char *s)
{
	return wbuf_put(w, s, strlen(s));
}
