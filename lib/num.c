#include "num.h"

#include <errno.h>
#include <string.h>

int num_parse_n(const char *p, size_t n, uint64_t max, uint64_t *v)
{
	uint64_t sum = 0;

	if (n == 0) {
		errno = EINVAL;
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9') {
			errno = EINVAL;
			return -1;
		}
		if (__builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)(p[i] - '0'), &sum) ||
		    sum > max) {
			errno = ERANGE;
			return -1;
		}
	}
	*v = sum;
	return 0;
}

int num_parse(const char *s, uint64_t max, uint64_t *v)
{
	return num_parse_n(s, strlen(s), max, v);
}
