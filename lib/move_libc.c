/* memcpy() and memmove() of programs with musl, see move.h. */
#include <string.h>

#include "move.h"

#if defined(__x86_64__) && !defined(__GLIBC__)
void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	return move_bytes(to, from, n);
}

void *memmove(void *to, const void *from, size_t n)
{
	return move_bytes(to, from, n);
}
#endif
