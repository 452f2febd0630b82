/* copy: a few bytes, of a number that is not known when it is compiled.
 *
 * musl's memcpy() takes longer to begin than to copy a name: sizes known to the compiler are
 * moves, and two of them may overlap. The two places may not.
 */
#ifndef QUOIN_COPY_H
#define QUOIN_COPY_H

#include <stddef.h>
#include <string.h>

static inline void copy_few(char *to, const char *from, size_t n)
{
	if (n > 256) {
		memcpy(to, from, n);
	} else if (n >= 16) {
		for (size_t i = 0; i < n - 16; i += 16)
			memcpy(to + i, from + i, 16);
		memcpy(to + n - 16, from + n - 16, 16);
	} else if (n >= 8) {
		memcpy(to, from, 8);
		memcpy(to + n - 8, from + n - 8, 8);
	} else {
		for (size_t i = 0; i < n; i++)
			to[i] = from[i];
	}
}

#endif
