#include "mime/fold.h"

#include <string.h>

#include "mime/unicode.h"

#define EACH(byte) (~UINT64_C(0) / 255 * (byte))

enum { WINDOW = 3 * NEEDLE_MAX };

static char upper(char c)
{
	return (char)(c >= 'a' && c <= 'z' ? c - 0x20 : c);
}

static int is_here(const struct needle *k, const char *p)
{
	for (size_t i = 0; i < k->n; i++)
		if (upper(p[i]) != k->p[i])
			return 0;
	return 1;
}

static uint64_t loose(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof w);
	return w | EACH(0x20);
}

static uint64_t loose_all(char c)
{
	return EACH((unsigned char)c | 0x20U);
}

/* Eight places at a time: where both rare bytes fit but for the bit of the case, the rest is
 * compared. */
int needle_find(const struct needle *k, const char *p, size_t n)
{
	size_t i = 0, places;
	const char *first, *second;
	uint64_t want[2];

	if (k->n == 0 || k->n > n)
		return k->n == 0;
	places = n - k->n + 1;
	first = p + k->rare[0];
	second = p + k->rare[1];
	want[0] = loose_all(k->p[k->rare[0]]);
	want[1] = loose_all(k->p[k->rare[1]]);
	for (; places - i >= 8; i += 8) {
		uint64_t miss =
		    (loose(first + i) ^ want[0]) | (loose(second + i) ^ want[1]);

		if (((miss - EACH(0x01)) & ~miss & EACH(0x80)) == 0)
			continue;
		for (size_t j = i; j < i + 8; j++)
			if (is_here(k, p + j))
				return 1;
	}
	for (; i < places; i++)
		if (is_here(k, p + i))
			return 1;
	return 0;
}

/* Folded into a window that moves on; the needle may lie over its edge. */
static int find_folded(const struct needle *k, const char *p, size_t n)
{
	const char *end = p + n;
	char window[WINDOW];
	size_t len = 0;

	while (p < end) {
		size_t keep = len < k->n - 1 ? len : k->n - 1;

		memmove(window, window + len - keep, keep);
		len = keep + fold_some(window + keep, sizeof window - keep, &p, end);
		if (needle_find(k, window, len))
			return 1;
	}
	return 0;
}

int needle_in(const struct needle *k, const char *p, size_t n)
{
	size_t ascii;

	if (k->n == 0)
		return 1;
	if (k->is_ascii && needle_find(k, p, n))
		return 1;
	/* no ASCII letter folds to anything else, but others fold to ASCII */
	ascii = ascii_span(p, n);
	if (ascii == n)
		return 0;
	ascii = ascii > k->n ? ascii - k->n : 0;
	return find_folded(k, p + ascii, n - ascii);
}
