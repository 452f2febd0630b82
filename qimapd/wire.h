/* wire: bytes of a message as they go to the client: each LF that no CR stands before is CRLF.
 *
 *	wire_find(&w, s, start, end, from, count)
 *	out_literal_head(w.length, 0)
 *	wire_send(&w, s)
 *
 * What lies in [start, end) of the file, in its CRLF form, from there at most count bytes
 * (UINT64_MAX: all). It is counted first, so that the literal's length is right whatever the
 * name or the cache says; the next piece of a large message begins to count where the one
 * before it ended. NUL, which no literal may hold (RFC 9051 9, CHAR8), goes as 0x80.
 * Errors: -1 with errno of reading, EIO when the file has become shorter. wire_send() has none: when
 *	   less is there than was counted, the connection ends.
 */
#ifndef QIMAPD_WIRE_H
#define QIMAPD_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "io.h"

struct source;

struct wire {
	uint64_t length; /* of the piece */
	uint64_t raw;    /* where it begins in the file */
	uint64_t end;
	unsigned skip; /* 1: the CR of the LF there went with the piece before */
	int cr;        /* the byte before it is a CR */
	int plain;     /* there is nothing to convert */
};

int wire_find(struct wire *w, struct source *s, uint64_t start, uint64_t end,
	      uint64_t from, uint64_t count);
void wire_send(const struct wire *w, struct source *s);

/* The literal of n bytes that lie in memory, up to WIRE_LITERAL: head and all, in one pass. */
enum { WIRE_LITERAL = IO_OUT / 2 - 8 };
void wire_literal(const char *p, size_t n);

/* How many bytes longer n bytes get. */
size_t wire_more(const char *p, size_t n, int *cr);

/* Bytes that are in memory, in CRLF form: only NUL is changed. */
void wire_put(const char *p, size_t n);

#endif
