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

static int result(const struct wbuf *w)
{
	if (w->error == 0)
		return 0;
	errno = w->error;
	return -1;
}

int wbuf_flush(struct wbuf *w)
{
	if (w->error == 0 && w->n > 0 &&
	    fd_write_full(w->fd, w->buf, w->n, CLOCK_NEVER) == -1)
		w->error = errno;
	w->n = 0;
	return result(w);
}

int wbuf_put(struct wbuf *w, const void *p, size_t n)
{
	w->bytes += n;
	if (n > sizeof w->buf - w->n && wbuf_flush(w) == -1)
		return -1;
	/* What fills a buffer by itself goes past it. */
	if (n >= sizeof w->buf) {
		if (w->error == 0 && fd_write_full(w->fd, p, n, CLOCK_NEVER) == -1)
			w->error = errno;
	} else {
		memcpy(w->buf + w->n, p, n);
		w->n += n;
	}
	return result(w);
}

int wbuf_puts(struct wbuf *w, const char *s)
{
	return wbuf_put(w, s, strlen(s));
}
