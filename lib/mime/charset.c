#include "mime/charset.h"

#include <string.h>

#include "mime/charset_int.h"
#include "mime/convert.h"
#include "mime/unicode.h"
#include "sbuf.h"

int charset_open(struct charset *c, const char *name, size_t n)
{
	uint32_t which = 0;

	memset(c, 0, sizeof *c);
	c->kind = (int)charset_find(name, n, &c->table, &which);
	if (c->kind == CHARSET_CONVERT)
		return convert_begin(which, &c->state[0]);
	return c->kind != CHARSET_NONE;
}

static int by_table(const struct charset *c, struct sbuf *out, const char *p, size_t n)
{
	size_t i = 0;

	while (i < n) {
		size_t ascii = ascii_span(p + i, n - i);
		char utf8[4];
		uint32_t one;

		if (sbuf_cat(out, p + i, ascii) == -1)
			return -1;
		i += ascii;
		if (i == n)
			return 0;
		one = c->table[(unsigned char)p[i++] - 0x80];
		if (sbuf_cat(out, utf8, utf8_put(utf8, one != 0 ? one : 0xfffd)) == -1)
			return -1;
	}
	return 0;
}

int charset_add(struct charset *c, struct sbuf *out, const char *p, size_t n)
{
	switch (c->kind) {
	case CHARSET_UTF8:
		return charset_utf8(c, out, p, n);
	case CHARSET_TABLE:
		return by_table(c, out, p, n);
	case CHARSET_UTF16:
	case CHARSET_UTF16BE:
	case CHARSET_UTF16LE:
		return charset_utf16(c, out, p, n);
	case CHARSET_UTF7:
		return charset_utf7(c, out, p, n);
	default:
		return convert_add(c->state[0], out, p, n);
	}
}

int charset_end(struct charset *c, struct sbuf *out)
{
	int cut = c->kind != CHARSET_UTF7 && c->nkept > 0;

	if (c->kind == CHARSET_CONVERT)
		return convert_end(c->state[0], out);
	if (c->kind != CHARSET_UTF8 && c->state[0] != 0)
		cut = 1; /* half a pair */
	c->nkept = 0;
	c->state[0] = 0;
	return cut ? sbuf_cats(out, "\xef\xbf\xbd") : 0;
}
