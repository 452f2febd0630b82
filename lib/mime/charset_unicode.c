#include <string.h>

#include "mime/charset_int.h"
#include "mime/unicode.h"
#include "sbuf.h"

static int put(struct sbuf *out, uint32_t c)
{
	char utf8[4];

	return sbuf_cat(out, utf8, utf8_put(utf8, c));
}

/* ---- UTF-8 ---- */

/* The character whose beginning was in the piece before; *used bytes of this one. */
static int utf8_rest(struct charset *c, struct sbuf *out, const char *p, size_t n,
		     size_t *used)
{
	char one[4];
	int r = 0;

	*used = 0;
	memcpy(one, c->kept, c->nkept);
	while (*used < n && r == 0) {
		one[c->nkept] = p[(*used)++];
		r = utf8_take(one, ++c->nkept);
	}
	if (r == 0) {
		memcpy(c->kept, one, c->nkept);
		return 0;
	}
	if (r > 0) {
		c->nkept = 0;
		return sbuf_cat(out, one, (size_t)r);
	}
	--*used; /* this byte may be a beginning of its own */
	for (; c->nkept > 1; c->nkept--)
		if (put(out, 0xfffd) == -1)
			return -1;
	c->nkept = 0;
	return 0;
}

int charset_utf8(struct charset *c, struct sbuf *out, const char *p, size_t n)
{
	size_t i = 0, from;

	if (c->nkept > 0 && utf8_rest(c, out, p, n, &i) == -1)
		return -1;
	for (from = i; i < n;) {
		int r;

		i += ascii_span(p + i, n - i);
		if (i == n)
			break;
		r = utf8_take(p + i, n - i);
		if (r > 0) {
			i += (size_t)r;
			continue;
		}
		if (sbuf_cat(out, p + from, i - from) == -1)
			return -1;
		if (r == 0) {
			c->nkept = n - i;
			memcpy(c->kept, p + i, n - i);
			return 0;
		}
		if (put(out, 0xfffd) == -1)
			return -1;
		from = ++i;
	}
	return sbuf_cat(out, p + from, i - from);
}

/* ---- UTF-16 ---- */

int charset_unit(struct sbuf *out, uint32_t *high, uint32_t unit)
{
	uint32_t was = *high;

	*high = 0;
	if (was != 0 && unit >= 0xdc00 && unit < 0xe000)
		return put(out, 0x10000 + ((was - 0xd800) << 10) + (unit - 0xdc00));
	if (was != 0 && put(out, 0xfffd) == -1)
		return -1;
	if (unit >= 0xd800 && unit < 0xdc00) {
		*high = unit;
		return 0;
	}
	return put(out, unit);
}

/* state[0]: the half that waits; state[1]: something came already */
static int utf16_unit(struct charset *c, struct sbuf *out, unsigned char a,
		      unsigned char b)
{
	uint32_t big = (uint32_t)a << 8 | b;
	int first = c->state[1] == 0;

	c->state[1] = 1;
	if (first && c->kind == CHARSET_UTF16 && big == 0xfffe)
		c->kind = CHARSET_UTF16LE;
	else if (first && c->kind == CHARSET_UTF16)
		c->kind = CHARSET_UTF16BE;
	if (c->kind == CHARSET_UTF16LE)
		big = (uint32_t)b << 8 | a;
	return first && big == 0xfeff ? 0 : charset_unit(out, &c->state[0], big);
}

int charset_utf16(struct charset *c, struct sbuf *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (c->nkept == 0) {
			c->kept[c->nkept++] = (unsigned char)p[i];
			continue;
		}
		c->nkept = 0;
		if (utf16_unit(c, out, c->kept[0], (unsigned char)p[i]) == -1)
			return -1;
	}
	return 0;
}

/* ---- UTF-7 (RFC 2152) ----
 * state[0]: the half that waits; state[1]: bits not used yet; kept[0]: how many;
 * kept[1]: 0 outside, 1 just behind '+', 2 within base64 */

enum { OUTSIDE, BEGUN, WITHIN };

static int base64_value(char ch)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = ch == '\0' ? NULL : strchr(digits, ch);

	return at == NULL ? -1 : (int)(at - digits);
}

static int utf7_bits(struct charset *c, struct sbuf *out, uint32_t value)
{
	c->state[1] = c->state[1] << 6 | value;
	c->kept[0] = (unsigned char)(c->kept[0] + 6);
	if (c->kept[0] < 16)
		return 0;
	c->kept[0] = (unsigned char)(c->kept[0] - 16);
	return charset_unit(out, &c->state[0], c->state[1] >> c->kept[0] & 0xffff);
}

/* Base64 ends; a half pair with it. */
static int utf7_leave(struct charset *c, struct sbuf *out)
{
	uint32_t high = c->state[0];

	c->state[0] = c->state[1] = 0;
	c->kept[0] = 0;
	c->kept[1] = OUTSIDE;
	return high != 0 ? put(out, 0xfffd) : 0;
}

int charset_utf7(struct charset *c, struct sbuf *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int was = c->kept[1], value = was == OUTSIDE ? -1 : base64_value(p[i]);
		unsigned char byte = (unsigned char)p[i];

		if (was == OUTSIDE && p[i] == '+') {
			c->kept[1] = BEGUN;
		} else if (value >= 0) {
			c->kept[1] = WITHIN;
			if (utf7_bits(c, out, (uint32_t)value) == -1)
				return -1;
		} else {
			if (was != OUTSIDE && utf7_leave(c, out) == -1)
				return -1;
			if (was == BEGUN && p[i] == '-')
				byte = '+';
			else if (was == WITHIN && p[i] == '-')
				continue;
			if (put(out, byte < 0x80 ? byte : 0xfffd) == -1)
				return -1;
		}
	}
	return 0;
}
