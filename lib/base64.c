#include "base64.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int fail(int e)
{
	errno = e;
	return -1;
}

static int value(char c)
{
	const char *at = c != '\0' ? strchr(alphabet, c) : NULL;

	return at != NULL ? (int)(at - alphabet) : -1;
}

/* Four characters: up to three bytes, their number in *k. */
static int get_group(const char *p, uint8_t out[3], size_t *k)
{
	uint32_t bits = 0;
	size_t digits = p[3] != '=' ? 4 : p[2] != '=' ? 3 : 2;

	for (size_t i = 0; i < digits; i++) {
		int v = value(p[i]);

		if (v == -1)
			return -1;
		bits |= (uint32_t)v << (18 - 6 * i);
	}
	*k = digits - 1;
	for (size_t i = 0; i < 3; i++)
		out[i] = (uint8_t)(bits >> (16 - 8 * i));
	/* RFC 4648 3.5: pad bits are zero */
	return (*k < 3 && out[*k] != 0) ? -1 : 0;
}

int base64_get(const char *p, size_t n, void *out, size_t size, size_t *len)
{
	uint8_t *to = out;

	*len = 0;
	if (n % 4 != 0)
		return fail(EBADMSG);
	for (size_t i = 0; i < n; i += 4) {
		uint8_t group[3];
		size_t k;

		if (get_group(p + i, group, &k) == -1 || (k < 3 && i + 4 < n))
			return fail(EBADMSG);
		if (k > size - *len)
			return fail(EMSGSIZE);
		memcpy(to + *len, group, k);
		*len += k;
	}
	return 0;
}

int base64_put(const void *p, size_t n, char *out, size_t size)
{
	const uint8_t *from = p;
	size_t at = 0;

	if (n / 3 > SIZE_MAX / 8 || size <= BASE64_LEN(n))
		return fail(EMSGSIZE);
	for (size_t i = 0; i < n; i += 3) {
		size_t k = n - i < 3 ? n - i : 3;
		uint32_t bits = (uint32_t)from[i] << 16;

		if (k > 1)
			bits |= (uint32_t)from[i + 1] << 8;
		if (k > 2)
			bits |= from[i + 2];
		for (size_t d = 0; d < 4; d++)
			out[at++] = d <= k ? alphabet[bits >> (18 - 6 * d) & 63] : '=';
	}
	out[at] = '\0';
	return 0;
}
