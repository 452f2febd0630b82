/* ascii: A to Z as a to z, whatever the locale says; all other bytes as they are.
 */
#ifndef QUOIN_ASCII_H
#define QUOIN_ASCII_H

#include <stddef.h>

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* n bytes at p to out, which may be p. */
static inline void ascii_copy_lower(char *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = ascii_lower(p[i]);
}

#endif
