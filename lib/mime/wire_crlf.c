#include "mime/mime_vector.h"
#include "mime/section.h"

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

/* Sixteen bytes are copied wherever they begin; behind a line end, the next are written over those
 * that were a line end's neighbours. */
size_t wire_crlf(char *out, const char *p, size_t n, int *in_cr)
{
	size_t at = 0, len = 0;

	while (n - at >= MIME_STEP) {
		mime_bytes v = mime_load(p + at);
		size_t i = mime_first_lf(v);

		memcpy(out + len, &v, sizeof v);
		at += i;
		len += i;
		if (i > 0)
			*in_cr = p[at - 1] == '\r';
		if (i == MIME_STEP)
			continue;
		if (!*in_cr)
			out[len++] = '\r';
		out[len++] = '\n';
		at++;
		*in_cr = 0;
	}
	return len + convert(out + len, p + at, n - at, in_cr);
}
