#include "mime/fold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "mime/unicode.h"

#define EACH(byte) (~UINT64_C(0) / 255 * (byte))

enum { PARTS = 18 }; /* of U+FDFA; no character has more */

static uint64_t load(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof w);
	return w;
}

/* ASCII as far as it goes, a word at a time: bytes of a to z get their bit 0x20 cleared. */
static size_t upper_span(char *out, const char *p, size_t n)
{
	size_t i = 0;

	for (; n - i >= 8; i += 8) {
		uint64_t w = load(p + i), letters;

		if ((w & EACH(0x80)) != 0)
			break;
		letters = (w + EACH(0x80 - 'a')) & ~(w + EACH(0x7f - 'z')) & EACH(0x80);
		w ^= letters >> 2;
		memcpy(out + i, &w, sizeof w);
	}
	for (; i < n && (unsigned char)p[i] < 0x80; i++)
		out[i] = (char)(p[i] >= 'a' && p[i] <= 'z' ? p[i] - 0x20 : p[i]);
	return i;
}

/* One character that is no ASCII; the bytes of its folded form. */
static size_t fold_one(char *out, const char **p, const char *end)
{
	utf8proc_int32_t c, part[PARTS];
	utf8proc_ssize_t used, parts;
	size_t n = 0;
	int bound = 0;

	used = utf8proc_iterate((const utf8proc_uint8_t *)*p, end - *p, &c);
	*p += used > 0 ? used : 1;
	part[0] = used > 0 ? utf8proc_totitle(c) : 0xfffd;
	parts = utf8proc_decompose_char(part[0], part, PARTS,
					UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &bound);
	if (parts < 0 || parts > PARTS)
		parts = 1;
	for (utf8proc_ssize_t i = 0; i < parts; i++)
		n += (size_t)utf8proc_encode_char(utf8proc_totitle(part[i]),
						  (utf8proc_uint8_t *)out + n);
	return n;
}

size_t fold_some(char *out, size_t room, const char **p, const char *end)
{
	size_t n = 0;

	while (*p < end && room - n >= FOLD_ONE) {
		size_t most =
		    (size_t)(end - *p) < room - n ? (size_t)(end - *p) : room - n;
		size_t ascii = upper_span(out + n, *p, most);

		*p += ascii;
		n += ascii;
		if (ascii < most && room - n >= FOLD_ONE)
			n += fold_one(out + n, p, end);
	}
	return n;
}

int fold_text(struct sbuf *out, const char *p, size_t n)
{
	const char *end = p + n;
	size_t start = out->len;

	while (p < end) {
		size_t want = (size_t)(end - p) + FOLD_ONE;
		size_t room = out->max - out->len < want ? out->max - out->len : want;

		if (room < FOLD_ONE || sbuf_reserve(out, room) == -1) {
			if (room < FOLD_ONE)
				errno = EMSGSIZE;
			out->len = start;
			return -1;
		}
		out->len += fold_some(out->p + out->len, room, &p, end);
	}
	return 0;
}

/* What is seldom met in texts makes the search fast. */
static int commonness(char c)
{
	static const char common[] = "ZQXJKVBPYGFWMUCLDRHSNIOATE \n";
	const char *at = c == '\0' ? NULL : strchr(common, c);

	return at == NULL ? 0 : 1 + (int)(at - common);
}

static void choose_rare(struct needle *k)
{
	k->rare[0] = 0;
	for (size_t i = 1; i < k->n; i++)
		if (commonness(k->p[i]) < commonness(k->p[k->rare[0]]))
			k->rare[0] = i;
	k->rare[1] = k->rare[0] == 0 && k->n > 1;
	for (size_t i = 1; i < k->n; i++)
		if (i != k->rare[0] && commonness(k->p[i]) < commonness(k->p[k->rare[1]]))
			k->rare[1] = i;
}

int needle_init(struct needle *k, const char *p, size_t n)
{
	struct sbuf b = SBUF_INIT(NEEDLE_MAX + FOLD_ONE);

	memset(k, 0, sizeof *k);
	if (fold_text(&b, p, n) == -1 || b.len > NEEDLE_MAX) {
		if (b.len > NEEDLE_MAX)
			errno = EMSGSIZE;
		sbuf_free(&b);
		return -1;
	}
	k->p = b.p;
	k->n = b.len;
	k->is_ascii = ascii_span(b.p, b.len) == b.len;
	if (k->n > 0)
		choose_rare(k);
	return 0;
}

void needle_free(struct needle *k)
{
	free(k->p);
	memset(k, 0, sizeof *k);
}
