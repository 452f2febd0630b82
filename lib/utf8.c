#include "utf8.h"

#include <stdint.h>

/* Bytes that follow a first one, and the least code point that needs so many. */
static int follows(unsigned char c, uint32_t *code, uint32_t *least)
{
	if (c < 0x80)
		return 0;
	if (c >= 0xc2 && c < 0xe0) {
		*code = c & 0x1f;
		*least = 0x80;
		return 1;
	}
	if (c >= 0xe0 && c < 0xf0) {
		*code = c & 0x0f;
		*least = 0x800;
		return 2;
	}
	if (c >= 0xf0 && c < 0xf5) {
		*code = c & 0x07;
		*least = 0x10000;
		return 3;
	}
	return -1;
}

int utf8_is_valid(const char *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t code = 0;
		uint32_t least = 0;
		int more = follows((unsigned char)p[i++], &code, &least);

		if (more == -1 || n - i < (size_t)more)
			return 0;
		for (int k = 0; k < more; k++, i++) {
			if (((unsigned char)p[i] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | ((unsigned char)p[i] & 0x3f);
		}
		if (more > 0 &&
		    (code < least || code > 0x10ffff || (code >> 11) == 0xd800 >> 11))
			return 0;
	}
	return 1;
}
