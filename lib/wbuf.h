/* wbuf: collects bytes for a file and writes them in large pieces.
 *
 * Owner:  the caller; nothing to free. The descriptor stays the caller's.
 * Errors: 0, or -1 with errno of write(); after a -1 every further call fails too,
 *         with the same errno, so a writer may check the last one only.
 * For files, not for peers: there is no deadline.
 */
#ifndef QUOIN_WBUF_H
#define QUOIN_WBUF_H

#include <stddef.h>
#include <stdint.h>

enum { WBUF_SIZE = 65536 };

struct wbuf {
	int fd;
	int error;
	size_t n;
	uint64_t bytes; /* taken so far, written or not */
	char buf[WBUF_SIZE];
};

void wbuf_init(struct wbuf *w, int fd);
int wbuf_put(struct wbuf *w, const void *p, size_t n);
int wbuf_puts(struct wbuf *w, const char *s);

/* Write what is left. */
__attribute__((warn_unused_result)) int wbuf_flush(struct wbuf *w);

#endif
