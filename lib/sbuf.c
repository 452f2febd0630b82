#include "sbuf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_CAP = 64, PIECE = 4096 };

void sbuf_init(struct sbuf *b, size_t max)
{
	*b = (struct sbuf)SBUF_INIT(max);
}

void sbuf_free(struct sbuf *b)
{
	free(b->p);
	b->p = NULL;
	b->len = b->cap = 0;
}

void sbuf_clear(struct sbuf *b)
{
	b->len = 0;
}

/* Capacity for need bytes and a NUL: doubled, so that appending is linear in all. */
static int grow(struct sbuf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : FIRST_CAP;
	char *p;

	while (cap <= need)
		if (__builtin_mul_overflow(cap, 2, &cap))
			cap = need + 1;
	p = realloc(b->p, cap);
	if (p == NULL)
		return -1;
	b->p = p;
	b->cap = cap;
	return 0;
}

int sbuf_reserve(struct sbuf *b, size_t n)
{
	size_t need;

	if (__builtin_add_overflow(b->len, n, &need) || need > b->max ||
	    need == SIZE_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	return need < b->cap ? 0 : grow(b, need);
}

int sbuf_cat(struct sbuf *b, const void *p, size_t n)
{
	if (sbuf_reserve(b, n) == -1)
		return -1;
	if (n > 0) /* then p may be null */
		memcpy(b->p + b->len, p, n);
	b->len += n;
	return 0;
}

int sbuf_cats(struct sbuf *b, const char *s)
{
	return sbuf_cat(b, s, strlen(s));
}

int sbuf_catc(struct sbuf *b, char c)
{
	return sbuf_cat(b, &c, 1);
}

int sbuf_catz(struct sbuf *b, const char *s)
{
	return sbuf_cat(b, s, strlen(s) + 1);
}

int sbuf_field(struct sbuf *b, char letter, const char *s)
{
	size_t n = strlen(s) + 1;

	if (sbuf_reserve(b, 1 + n) == -1)
		return -1;
	return sbuf_catc(b, letter) == -1 ? -1 : sbuf_cat(b, s, n);
}

int sbuf_catu(struct sbuf *b, uint64_t n)
{
	char digits[20];
	size_t i = sizeof digits;

	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	return sbuf_cat(b, digits + i, sizeof digits - i);
}

int sbuf_catf(struct sbuf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || sbuf_reserve(b, (size_t)n) == -1)
		return -1;
	va_start(ap, fmt);
	(void)vsnprintf(b->p + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

int sbuf_read(struct sbuf *b, int fd)
{
	char piece[PIECE];

	for (;;) {
		ssize_t r = read(fd, piece, sizeof piece);

		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0)
			return (int)r;
		if (sbuf_cat(b, piece, (size_t)r) == -1)
			return -1;
	}
}

const char *sbuf_str(struct sbuf *b)
{
	if (b->cap <= b->len && grow(b, b->len) == -1)
		return NULL;
	b->p[b->len] = '\0';
	return b->p;
}
