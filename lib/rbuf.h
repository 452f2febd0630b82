/* rbuf and obuf: buffered reading and writing of a peer's bytes, with deadlines.
 *
 *	static struct rbuf in;
 *	static struct obuf out;
 *	rbuf_init(&in, 0, &out);	(out is flushed before in waits for bytes)
 *	in.deadline = clock_mono_ms() + 300000;
 *	r = rbuf_line(&in, 512, &line, &len);
 *
 * Owner:    the caller, in static storage: both are large, pages never used cost
 *	     nothing. The descriptors stay the caller's.
 * Deadline: a time of clock_mono_ms() or CLOCK_NEVER; it may be moved at any time.
 * Results:  1 there is something, 0 end of file, -1 with errno: ETIMEDOUT, EPIPE (the
 *	     flush failed: the peer is gone), or what read() said.
 * Bytes:    pointers into an rbuf die at its next call.
 */
#ifndef QUOIN_RBUF_H
#define QUOIN_RBUF_H

#include <stddef.h>
#include <stdint.h>

enum { RBUF_SIZE = 65536, OBUF_SIZE = 32768 };

struct obuf {
	int fd;
	int64_t deadline;
	size_t len;
	char buf[OBUF_SIZE];
};

struct rbuf {
	int fd;
	int64_t deadline;
	struct obuf *tie; /* flushed before a wait; may be NULL */
	int kernel_ms;    /* rbuf_kernel_timeout() */
	size_t at, end;   /* bytes not yet taken: buf[at..end) */
	size_t touched;   /* nothing was ever written behind these */
	char buf[RBUF_SIZE];
};

void rbuf_init(struct rbuf *r, int fd, struct obuf *tie);

/* For a blocking socket whose deadlines are mostly ms away: let the kernel watch the time
 * (SO_RCVTIMEO), which saves a poll() for each read(). Deadlines stay exact. */
void rbuf_kernel_timeout(struct rbuf *r, int64_t ms);

/* The next line, without its CRLF. A line of more than max bytes is read to its end
 * and gives EMSGSIZE; the next call reads the next line. EBADMSG: a CR or LF by
 * itself, and EILSEQ: a NUL; nothing may be read after these. E2BIG: no line end in
 * RBUF_SIZE bytes. An unfinished line at the end of file is dropped. */
__attribute__((warn_unused_result)) int rbuf_line(struct rbuf *r, size_t max,
						  const char **line, size_t *len);

/* What is there, at least one byte; rbuf_take() says how much of it was used. */
__attribute__((warn_unused_result)) int rbuf_some(struct rbuf *r, const char **p,
						  size_t *n);
void rbuf_take(struct rbuf *r, size_t n);

/* Zeroes where the bytes were that are taken: a password was among them. */
void rbuf_wipe(struct rbuf *r);

/* Bytes in the buffer. */
size_t rbuf_pending(const struct rbuf *r);

/* Has the peer sent something (or hung up) that was not taken yet? Waits until the
 * deadline given: 0 asks without waiting. */
int rbuf_is_talking(const struct rbuf *r, int64_t deadline);

void obuf_init(struct obuf *w, int fd);

/* Append; flushes when full. 0, or -1 with ETIMEDOUT or EPIPE and the like: the peer
 * is lost, nothing more need be written. */
__attribute__((warn_unused_result)) int obuf_put(struct obuf *w, const void *p, size_t n);
__attribute__((warn_unused_result)) int obuf_puts(struct obuf *w, const char *s);
/* A line's end. As there is one for every line of a message it is no call of memcpy. */
__attribute__((warn_unused_result)) int obuf_crlf(struct obuf *w);
__attribute__((warn_unused_result)) int obuf_flush(struct obuf *w);

#endif
