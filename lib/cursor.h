/* cursor: takes fields out of a received frame, one after another.
 *
 * A reader is a straight column of takes and ends with cur_end(): a frame that
 * is too long is as wrong as one that is too short. Integers are big-endian.
 * Owner:  the frame stays its owner's; pointers handed out point into it.
 * Errors: 0, or -1 with EBADMSG; after a -1 every further take fails too, so
 *         a reader may check the last one only.
 */
#ifndef QUOIN_CURSOR_H
#define QUOIN_CURSOR_H

#include <stddef.h>
#include <stdint.h>

struct cursor {
	const char *p;
	size_t len;
	int bad;
};

void cur_init(struct cursor *c, const void *p, size_t len);
int cur_u8(struct cursor *c, uint8_t *v);
int cur_u16(struct cursor *c, uint16_t *v);
int cur_u32(struct cursor *c, uint32_t *v);
int cur_u64(struct cursor *c, uint64_t *v);

/* The next n bytes. */
int cur_bytes(struct cursor *c, size_t n, const char **p);

/* A NUL-ended string of at most max bytes (NUL not counted). */
int cur_str(struct cursor *c, size_t max, const char **s);

/* Nothing may be left. */
int cur_end(struct cursor *c);

struct sbuf;
/* The writing side: append to a frame; results as sbuf_cat(). */
__attribute__((warn_unused_result)) int put_u8(struct sbuf *b, uint8_t v);
__attribute__((warn_unused_result)) int put_u16(struct sbuf *b, uint16_t v);
__attribute__((warn_unused_result)) int put_u32(struct sbuf *b, uint32_t v);
__attribute__((warn_unused_result)) int put_u64(struct sbuf *b, uint64_t v);

#endif
