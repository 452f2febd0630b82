/* exact: a copy of the input in a block of its exact size, so that AddressSanitizer sees
 * a read too far; and cmocka with what it needs. */
#ifndef TESTS_EXACT_H
#define TESTS_EXACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* The caller frees it. */
static inline char *exact(const void *p, size_t n)
{
	char *copy = malloc(n > 0 ? n : 1);

	assert_non_null(copy);
	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

#endif
