#include "move.h"

#include <stdint.h>

/* Its loops are not to become calls of memcpy() and memmove(), which it is. */
#if !defined(__clang__)
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

enum { MANY = 512 };

typedef uint32_t half __attribute__((may_alias, aligned(1)));
typedef uint64_t word __attribute__((may_alias, aligned(1)));
typedef long long wide __attribute__((vector_size(16), may_alias, aligned(1)));

/* Both ends are read before anything is written: they may overlap. */
static void move_few(char *to, const char *from, size_t n)
{
	if (n >= 8) {
		word first = *(const word *)from;
		word last = *(const word *)(from + n - 8);

		*(word *)to = first;
		*(word *)(to + n - 8) = last;
	} else if (n >= 4) {
		half first = *(const half *)from;
		half last = *(const half *)(from + n - 4);

		*(half *)to = first;
		*(half *)(to + n - 4) = last;
	} else if (n > 0) {
		char first = from[0];
		char middle = from[n / 2];
		char last = from[n - 1];

		to[0] = first;
		to[n / 2] = middle;
		to[n - 1] = last;
	}
}

/* What is already written lies before what is still to be read. */
static void move_down(char *to, const char *from, size_t n)
{
	wide last = *(const wide *)(from + n - 16);
	size_t i = 0;

#if defined(__x86_64__)
	if (n > MANY) {
		char *at = to;
		size_t words = n / 8;

		__asm__ volatile("rep movsq"
				 : "+D"(at), "+S"(from), "+c"(words)
				 :
				 : "memory");
		i = n;
	}
#endif
	for (; i + 16 <= n; i += 16)
		*(wide *)(to + i) = *(const wide *)(from + i);
	*(wide *)(to + n - 16) = last;
}

/* The same from the end on. */
static void move_up(char *to, const char *from, size_t n)
{
	wide first = *(const wide *)from;

	for (; n >= 16; n -= 16)
		*(wide *)(to + n - 16) = *(const wide *)(from + n - 16);
	*(wide *)to = first;
}

void *move_bytes(void *to, const void *from, size_t n)
{
	if (n < 16)
		move_few(to, from, n);
	else if ((uintptr_t)to - (uintptr_t)from >= n)
		move_down(to, from, n);
	else
		move_up(to, from, n);
	return to;
}
