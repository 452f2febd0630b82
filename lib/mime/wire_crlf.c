#include <string.h>

#include "mime/section.h"

typedef unsigned char bytes __attribute__((vector_size(16)));

static size_t convert(char *out, const char *p, size_t n, int *in_cr)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n' && !*in_cr)
			out[len++] = '\r';
		out[len++] = p[i];
		*in_cr = p[i] == '\r';
	}
	return len;
}

/* The place of the first LF in v, or 16. */
static inline size_t first_lf(bytes v)
{
	bytes lf = (bytes)(v == '\n');
	uint64_t half[2];
	size_t i = 0;

	memcpy(half, &lf, sizeof half);
	if ((half[0] | half[1]) == 0)
		return sizeof v;
	while (lf[i] == 0)
		i++;
	return i;
}

/* Sixteen bytes are copied wherever they begin; behind a line end, the next are written over those
 * that were a line end's neighbours. */
size_t wire_crlf(char *out, const char *p, size_t n, int *in_cr)
{
	size_t at = 0, len = 0;

	while (n - at >= sizeof(bytes)) {
		size_t i;
		bytes v;

		memcpy(&v, p + at, sizeof v);
		memcpy(out + len, &v, sizeof v);
		i = first_lf(v);
		at += i;
		len += i;
		if (i > 0)
			*in_cr = p[at - 1] == '\r';
		if (i == sizeof v)
			continue;
		if (!*in_cr)
			out[len++] = '\r';
		out[len++] = '\n';
		at++;
		*in_cr = 0;
	}
	return len + convert(out + len, p + at, n - at, in_cr);
}
