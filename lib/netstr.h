/* netstr: netstrings ("5:hello,"), read and written as a stream.
 *
 * Length: decimal without leading zeros, at most the limit that the reader was
 *         given. A longer one is refused at the digit that passes the limit, before
 *         anything is stored.
 * Errors: -1 with errno; EBADMSG: no netstring; EMSGSIZE: longer than the limit.
 *         After a -1 the stream is lost: its end cannot be found any more.
 */
#ifndef QUOIN_NETSTR_H
#define QUOIN_NETSTR_H

#include <stddef.h>
#include <stdint.h>

struct sbuf;

/* ---- incremental: for a server that must not wait ---- */

struct netstr {
	size_t max;
	size_t left; /* the length so far, then the bytes still to come */
	int state;
};

enum netstr_event { NETSTR_MORE, NETSTR_BYTES, NETSTR_END };

/* At the start, and between two netstrings to change the limit. */
void netstr_init(struct netstr *s, size_t max);

/* Take from the *n bytes at *p, moving both. NETSTR_MORE: all are taken, nothing
 * happened. NETSTR_BYTES: *len > 0 bytes of content lie at *bytes, inside what was
 * given. NETSTR_END: a netstring ended; the next call begins another. -1: error. */
__attribute__((warn_unused_result)) int
netstr_next(struct netstr *s, const char **p, size_t *n, const char **bytes, size_t *len);

/* Nothing of a netstring was taken since its predecessor's end. */
int netstr_between(const struct netstr *s);

/* Append p as a netstring; results as sbuf_cat(), b is untouched on -1. */
__attribute__((warn_unused_result)) int netstr_put(struct sbuf *b, const void *p,
						   size_t n);

/* ---- waiting: for a client; deadline of clock_mono_ms() ---- */

enum { NETSTR_READAHEAD = 512 };

struct netstr_reader {
	size_t from;
	size_t to;
	char buf[NETSTR_READAHEAD];
};

/* One raw byte. EPIPE at the end of file, ETIMEDOUT. */
__attribute__((warn_unused_result)) int netstr_byte(struct netstr_reader *r, int fd,
						    char *c, int64_t deadline);

/* One netstring of at most size - 1 bytes into out, with a NUL behind it. */
__attribute__((warn_unused_result)) int netstr_read(struct netstr_reader *r, int fd,
						    char *out, size_t size, size_t *len,
						    int64_t deadline);

/* Each part as a netstring and then the string behind, in as few writes to the socket as
 * it takes. No SIGPIPE; EPIPE when the other side is gone. */
enum { NETSTR_PARTS = 2 };
struct netstr_part {
	const void *p;
	size_t n;
};
__attribute__((warn_unused_result)) int netstr_write(int fd,
						     const struct netstr_part *part,
						     size_t count, const char *behind,
						     int64_t deadline);

#endif
