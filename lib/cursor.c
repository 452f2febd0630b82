#include "cursor.h"

#include <errno.h>
#include <string.h>

#include "sbuf.h"

static int bad(struct cursor *c)
{
	c->bad = 1;
	errno = EBADMSG;
	return -1;
}

void cur_init(struct cursor *c, const void *p, size_t len)
{
	*c = (struct cursor){p, len, 0};
}

int cur_bytes(struct cursor *c, size_t n, const char **p)
{
	if (c->bad || c->len < n)
		return bad(c);
	*p = c->p;
	c->p += n;
	c->len -= n;
	return 0;
}

static int take_be(struct cursor *c, size_t n, uint64_t *v)
{
	const char *p;

	if (cur_bytes(c, n, &p) == -1)
		return -1;
	for (*v = 0; n > 0; n--)
		*v = *v << 8 | (uint8_t)*p++;
	return 0;
}

#define TAKE(bits)                                           \
	int cur_u##bits(struct cursor *c, uint##bits##_t *v) \
	{                                                    \
		uint64_t n;                                  \
                                                             \
		if (take_be(c, (bits) / 8, &n) == -1)        \
			return -1;                           \
		*v = (uint##bits##_t)n;                      \
		return 0;                                    \
	}
TAKE(8)
TAKE(16)
TAKE(32)
TAKE(64)

int cur_str(struct cursor *c, size_t max, const char **s)
{
	const char *end;

	if (c->bad || c->len == 0) /* an empty frame may be a NULL one */
		return bad(c);
	end = memchr(c->p, '\0', c->len < max + 1 ? c->len : max + 1);
	if (end == NULL)
		return bad(c);
	return cur_bytes(c, (size_t)(end - c->p) + 1, s);
}

int cur_end(struct cursor *c)
{
	return c->bad || c->len > 0 ? bad(c) : 0;
}

static int put_be(struct sbuf *b, size_t n, uint64_t v)
{
	char out[8];

	for (size_t i = 0; i < n; i++)
		out[i] = (char)(v >> 8 * (n - 1 - i));
	return sbuf_cat(b, out, n);
}

int put_u8(struct sbuf *b, uint8_t v)
{
	return put_be(b, 1, v);
}
int put_u16(struct sbuf *b, uint16_t v)
{
	return put_be(b, 2, v);
}
int put_u32(struct sbuf *b, uint32_t v)
{
	return put_be(b, 4, v);
}
int put_u64(struct sbuf *b, uint64_t v)
{
	return put_be(b, 8, v);
}
