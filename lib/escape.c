#include "escape.h"

#include <string.h>

#include "qlimits.h"

static int is_plain(unsigned char c)
{
	return c >= 0x20 && c <= 0x7e && c != '\\';
}

static size_t hex_escape(char *out, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";

	out[0] = '\\';
	out[1] = 'x';
	out[2] = digits[c >> 4];
	out[3] = digits[c & 15];
	return 4;
}

static size_t escape_except(char *out, size_t size, const char *p, size_t n,
			    const char *also)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		int plain = is_plain(c) && strchr(also, c) == NULL;

		if (len + (plain ? 1 : 4) >= size)
			break;
		if (plain)
			out[len++] = (char)c;
		else
			len += hex_escape(out + len, c);
	}
	out[len] = '\0';
	return len;
}

size_t escape_log(char *out, size_t size, const char *p, size_t n)
{
	return escape_except(out, size, p, n, "");
}

size_t escape_value(char *out, size_t size, const char *p, size_t n)
{
	if (n == 0 && size > 2) {
		memcpy(out, "\"\"", 3);
		return 2;
	}
	return escape_except(out, size, p, n, " \"=");
}

size_t escape_text(char *out, size_t size, const char *p, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n && len + 1 < size && len < LIMIT_TEXT; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '\n' || c == '\r' || c == '\t')
			c = ' ';
		out[len++] = c >= 0x20 && c <= 0x7e ? (char)c : '?';
	}
	while (len > 0 && out[len - 1] == ' ')
		len--;
	out[len] = '\0';
	return len;
}
