/* io: bytes to and from the client, in clear or deflated (RFC 4978).
 *
 * Input is buffered (what came behind a command stays for the next); output is collected and
 * written in large pieces: when IO_OUT is full, before the session waits for input, and
 * never in between. A client that does not read is waited for IO_STALL ms and is then lost.
 * One connection a process: static buffers, of which unused pages cost nothing; what a large answer took
 * is given back at its end. With compression on,
 * zlib works in this process, after the login, as the user; its memory is taken then.
 * Errors: io_put() and its like give nothing back: when the client is lost, they call io_lost(), which
 *	   the program has (session.c): the process ends after closing what is open. So do not
 *	   hold a half done change over an io_put().
 */
#ifndef QIMAPD_IO_H
#define QIMAPD_IO_H

#include <stddef.h>
#include <stdint.h>

enum { IO_IN = 69632, IO_OUT = 262144, IO_PIECE = 16384, IO_STALL = 300000 };

void io_init(int in, int out);
_Noreturn void io_lost(const char *why);

/* The next line without its CRLF (a bare LF ends one too), at most max bytes (< IO_IN - 1): 1; 0 end of
 * file; -1 with EMSGSIZE (the rest of the line is still to come: nothing can be read any more) or ETIMEDOUT. Flushes before it waits. What is returned
 * dies at the next call that reads. */
int io_line(size_t max, const char **p, size_t *n, int64_t deadline);
/* At least one byte, at most max, for literals: 1, 0, -1 as above. */
int io_some(size_t max, const char **p, size_t *n, int64_t deadline);
size_t io_pending(void); /* bytes that came and were not taken */
/* Waits for input, for fd (or -1) to be readable, or for ms (-1: no end): what is there, as bits. Flushes first. */
enum { IO_INPUT = 1, IO_OTHER = 2 };
int io_wait(int fd, int ms);

void io_put(const void *p, size_t n);
void io_puts(const char *s);
void io_putc(char c);
void io_number(uint64_t n);
void io_flush(void);
/* Room for n bytes (n <= IO_OUT) to write into; io_wrote() says how many were. */
char *io_room(size_t n);
void io_wrote(size_t n);

/* From the next byte on, both ways; -1 with ENOMEM: nothing has changed. What a peer deflates is
 * inflated a buffer at a time: a bomb meets the limits of what is read. */
int io_compress(void);

/* The last call: what was said is sent, and what the client still says is let go by, for a while. */
void io_end(void);

struct io_count {
	uint64_t in, out; /* bytes of IMAP, before they were deflated */
};
extern struct io_count io_count;

#endif
