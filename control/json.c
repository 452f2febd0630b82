#include "json.h"

#include <stdio.h>

void json_string(const char *p, size_t n)
{
	(void)putchar('"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '"' || c == '\\')
			(void)printf("\\%c", c);
		else if (c < 32 || c > 126)
			(void)printf("\\u%04x", c);
		else
			(void)putchar(c);
	}
	(void)putchar('"');
}
