#include "mime/transfer.h"

#include "mime/transfer_int.h"
#include "sbuf.h"

void transfer_begin(struct transfer *t, enum mime_encoding how)
{
	t->how = how;
	t->bad = how == MIME_UNKNOWN;
	t->bits = 0;
	t->nbits = 0;
	t->nkept = 0;
}

enum { PAD = 64, SPACE = 65 };

/* RFC 2045 6.8; 66 is nothing. */
static const unsigned char digit[256] = {
    66, 66, 66, 66, 66, 66, 66, 66, 66, 65, 65, 66, 66, 65, 66, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 65, 66, 66, 66, 66, 66, 66, 66,
    66, 66, 66, 62, 66, 66, 66, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 66, 66,
    66, 64, 66, 66, 66, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 66, 66, 66, 66, 66, 66, 26, 27, 28,
    29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48,
    49, 50, 51, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
};

/* Four digits at once. 0: they are not all digits. */
static inline int take_four(const unsigned char *p, unsigned char *out)
{
	unsigned a = digit[p[0]], b = digit[p[1]], c = digit[p[2]], d = digit[p[3]];

	if ((a | b | c | d) >= PAD)
		return 0;
	out[0] = (unsigned char)(a << 2 | b >> 4);
	out[1] = (unsigned char)(b << 4 | c >> 2);
	out[2] = (unsigned char)(c << 6 | d);
	return 1;
}

/* One character; bytes made of it, at most one. */
static size_t take_one(struct transfer *t, unsigned char c, unsigned char *out)
{
	unsigned v = digit[c];

	if (v == PAD) { /* what comes behind it begins anew */
		t->bad |= t->nbits == 6;
		t->nbits = 0;
	} else if (v > PAD) {
		t->bad |= v != SPACE;
	} else if (t->nbits == 0) {
		t->bits = v;
		t->nbits = 6;
	} else {
		t->bits = t->bits << 6 | v;
		t->nbits -= 2;
		*out = (unsigned char)(t->bits >> t->nbits);
		return 1;
	}
	return 0;
}

static int base64_add(struct transfer *t, struct sbuf *out, const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned char *o;
	size_t i = 0;

	if (sbuf_reserve(out, n / 4 * 3 + 3) == -1)
		return -1;
	o = (unsigned char *)out->p + out->len;
	while (i < n) {
		if (t->nbits == 0 && n - i >= 4 && take_four(p + i, o)) {
			o += 3;
			i += 4;
		} else {
			o += take_one(t, p[i++], o);
		}
	}
	out->len = (size_t)((char *)o - out->p);
	return 0;
}

int transfer_add(struct transfer *t, struct sbuf *out, const char *p, size_t n)
{
	if (t->how == MIME_BASE64)
		return base64_add(t, out, p, n);
	return t->how == MIME_QP ? transfer_qp(t, out, p, n) : sbuf_cat(out, p, n);
}

int transfer_end(struct transfer *t, struct sbuf *out)
{
	if (t->how == MIME_BASE64)
		t->bad |= t->nbits != 0;
	return t->how == MIME_QP ? transfer_qp_end(t, out) : 0;
}
