/* io_copy: memcpy() for the few bytes that most answers are made of.
 *
 * musl's begins with a string instruction that costs more than a short word takes; up to 32 bytes are
 * copied here as two pieces that may overlap. p and out do not overlap.
 */
#ifndef QIMAPD_IO_COPY_H
#define QIMAPD_IO_COPY_H

#include <stddef.h>
#include <string.h>

static inline void io_copy(char *out, const char *p, size_t n)
{
	char a[16], b[16];

	if (n > 32) {
		memcpy(out, p, n);
	} else if (n >= 16) {
		memcpy(a, p, 16);
		memcpy(b, p + n - 16, 16);
		memcpy(out, a, 16);
		memcpy(out + n - 16, b, 16);
	} else if (n >= 8) {
		memcpy(a, p, 8);
		memcpy(b, p + n - 8, 8);
		memcpy(out, a, 8);
		memcpy(out + n - 8, b, 8);
	} else if (n >= 4) {
		memcpy(a, p, 4);
		memcpy(b, p + n - 4, 4);
		memcpy(out, a, 4);
		memcpy(out + n - 4, b, 4);
	} else if (n > 0) {
		out[n / 2] = p[n / 2];
		out[n - 1] = p[n - 1];
		out[0] = p[0];
	}
}

#endif
