/* sbuf: a byte string that grows up to a limit its owner chose.
 *
 * Owner:  whoever declared it; sbuf_free() at the end, sbuf_clear() to reuse.
 * Errors: 0, or -1 with EMSGSIZE (limit reached) or ENOMEM; on -1 the old
 *         contents are untouched (but see sbuf_read()).
 * Bytes:  any, NUL included. Pointers into it die at the next append.
 */
#ifndef QUOIN_SBUF_H
#define QUOIN_SBUF_H

#include <stddef.h>
#include <stdint.h>

struct sbuf {
	char *p;
	size_t len;
	size_t cap;
	size_t max; /* bytes, the ending NUL of sbuf_str() not counted */
};

#define SBUF_INIT(max)            \
	{                         \
		NULL, 0, 0, (max) \
	}

void sbuf_init(struct sbuf *b, size_t max);
void sbuf_free(struct sbuf *b);
void sbuf_clear(struct sbuf *b);

/* Make room for n more bytes without changing len. */
__attribute__((warn_unused_result)) int sbuf_reserve(struct sbuf *b, size_t n);

__attribute__((warn_unused_result)) int sbuf_cat(struct sbuf *b, const void *p, size_t n);
__attribute__((warn_unused_result)) int sbuf_cats(struct sbuf *b, const char *s);
__attribute__((warn_unused_result)) int sbuf_catc(struct sbuf *b, char c);

/* The string and its ending NUL, as a field between our programs. */
__attribute__((warn_unused_result)) int sbuf_catz(struct sbuf *b, const char *s);

/* The same with its letter in front, as in an envelope (qfile.h). */
__attribute__((warn_unused_result)) int sbuf_field(struct sbuf *b, char letter,
						   const char *s);

/* Decimal number. */
__attribute__((warn_unused_result)) int sbuf_catu(struct sbuf *b, uint64_t n);

/* printf; the formatted text counts against the limit like any other. */
__attribute__((warn_unused_result, format(printf, 2, 3))) int
sbuf_catf(struct sbuf *b, const char *fmt, ...);

/* What a file has from here to its end, and not to the first read that gives less than it
 * might: a file system may do that in the middle, and half a list bounces mail. -1 with
 * read()'s errno too; what came before it is appended then. */
__attribute__((warn_unused_result)) int sbuf_read(struct sbuf *b, int fd);

/* The contents with a NUL behind them (not counted in len), or NULL with
 * ENOMEM. An empty buffer gives "". */
const char *sbuf_str(struct sbuf *b);

#endif
