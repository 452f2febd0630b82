#include "maildir/utf7.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* RFC 3501 5.1.3: "," in place of "/" */
static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

struct text {
	char *p;
	size_t n, size;
};

static int wrong(void)
{
	errno = EILSEQ;
	return -1;
}

static int put(struct text *t, char c)
{
	if (t->n + 1 >= t->size) {
		errno = EMSGSIZE;
		return -1;
	}
	t->p[t->n++] = c;
	return 0;
}

static int is_ascii(uint32_t c)
{
	return c >= 0x20 && c <= 0x7e;
}

/* ---- to UTF-8 ---- */

static int put_utf8(struct text *t, uint32_t c)
{
	unsigned more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned char first[] = {0, 0xc0, 0xe0, 0xf0};

	if (put(t, (char)(first[more] | c >> 6 * more)) == -1)
		return -1;
	while (more-- > 0)
		if (put(t, (char)(0x80 | (c >> 6 * more & 0x3f))) == -1)
			return -1;
	return 0;
}

/* UTF-16 on its way in: high is a first half that waits for its second. */
struct units {
	struct text *out;
	uint32_t high;
};

static int put_unit(struct units *u, uint32_t c)
{
	int is_low = c >= 0xdc00 && c <= 0xdfff;

	if ((u->high != 0) != is_low)
		return wrong();
	if (c >= 0xd800 && c <= 0xdbff) {
		u->high = c;
		return 0;
	}
	if (is_low)
		c = 0x10000 + ((u->high - 0xd800) << 10) + (c - 0xdc00);
	u->high = 0;
	return c == 0 || is_ascii(c) ? wrong() : put_utf8(u->out, c);
}

/* What stands between "&" and "-", which is not empty. */
static int decode_run(struct text *t, const char *p, size_t n)
{
	struct units u = {t, 0};
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < n; i++) {
		const char *d = p[i] != '\0' ? strchr(digits, p[i]) : NULL;

		if (d == NULL)
			return wrong();
		bits = bits << 6 | (uint32_t)(d - digits);
		have += 6;
		if (have < 16)
			continue;
		have -= 16;
		if (put_unit(&u, bits >> have & 0xffff) == -1)
			return -1;
		bits &= (1U << have) - 1;
	}
	return u.high != 0 || have >= 6 || bits != 0 ? wrong() : 0;
}

int utf7_to_utf8(char *out, size_t size, const char *p, size_t n)
{
	struct text t = {out, 0, size};
	int was_run = 0; /* it ended just here */

	for (size_t i = 0; i < n; i++) {
		const char *end;
		size_t run;

		if (!is_ascii((unsigned char)p[i]))
			return wrong();
		if (p[i] != '&') {
			was_run = 0;
			if (put(&t, p[i]) == -1)
				return -1;
			continue;
		}
		end = memchr(p + i, '-', n - i);
		if (end == NULL)
			return wrong();
		run = (size_t)(end - p) - i - 1;
		if (run == 0 ? put(&t, '&') == -1
			     : was_run || decode_run(&t, p + i + 1, run) == -1)
			return run != 0 && was_run ? wrong() : -1;
		was_run = run != 0;
		i += run + 1;
	}
	if (size == 0) {
		errno = EMSGSIZE;
		return -1;
	}
	out[t.n] = '\0';
	return 0;
}

/* ---- from UTF-8 ---- */

/* One character: its length, or 0. */
static size_t take_utf8(uint32_t *c, const unsigned char *p, size_t n)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	size_t more = *p < 0x80   ? 0
		      : *p < 0xc0 ? 4
		      : *p < 0xe0 ? 1
		      : *p < 0xf0 ? 2
		      : *p < 0xf8 ? 3
				  : 4;

	if (more >= 4 || more >= n)
		return 0;
	*c = more == 0 ? *p : *p & (0x3fU >> more);
	for (size_t i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3f);
	}
	if (*c < least[more] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		return 0;
	return more + 1;
}

struct run {
	struct text *out;
	uint32_t bits;
	unsigned have;
	int open;
};

static int run_unit(struct run *r, uint32_t unit)
{
	r->bits = r->bits << 16 | unit;
	r->have += 16;
	while (r->have >= 6) {
		r->have -= 6;
		if (put(r->out, digits[r->bits >> r->have & 0x3f]) == -1)
			return -1;
	}
	r->bits &= (1U << r->have) - 1;
	return 0;
}

static int run_add(struct run *r, uint32_t c)
{
	if (!r->open && put(r->out, '&') == -1)
		return -1;
	r->open = 1;
	if (c < 0x10000)
		return run_unit(r, c);
	c -= 0x10000;
	if (run_unit(r, 0xd800 | c >> 10) == -1)
		return -1;
	return run_unit(r, 0xdc00 | (c & 0x3ff));
}

static int run_end(struct run *r)
{
	struct run was = *r;

	if (!was.open)
		return 0;
	*r = (struct run){.out = was.out};
	if (was.have > 0 && put(r->out, digits[was.bits << (6 - was.have) & 0x3f]) == -1)
		return -1;
	return put(r->out, '-');
}

static int put_ascii(struct run *r, char c)
{
	if (run_end(r) == -1 || put(r->out, c) == -1)
		return -1;
	return c == '&' ? put(r->out, '-') : 0;
}

int utf7_from_utf8(char *out, size_t size, const char *p, size_t n)
{
	struct text t = {out, 0, size};
	struct run r = {.out = &t};
	uint32_t c;

	for (size_t i = 0, len; i < n; i += len) {
		len = take_utf8(&c, (const unsigned char *)p + i, n - i);
		if (len == 0 || c == 0)
			return wrong();
		if ((is_ascii(c) ? put_ascii(&r, (char)c) : run_add(&r, c)) == -1)
			return -1;
	}
	if (run_end(&r) == -1)
		return -1;
	if (size == 0) {
		errno = EMSGSIZE;
		return -1;
	}
	out[t.n] = '\0';
	return 0;
}
