#include "rnd.h"

#include <errno.h>
#include <stdlib.h>

#ifdef HAVE_SODIUM
#include <sodium.h>

void rnd_bytes(void *p, size_t n)
{
	randombytes_buf(p, n);
}
#else
#include <sys/random.h>

void rnd_bytes(void *p, size_t n)
{
	char *at = p;

	while (n > 0) {
		ssize_t r = getrandom(at, n, 0);

		if (r == -1 && errno != EINTR)
			abort(); /* a kernel before 3.17, or a filter that is wrong */
		if (r > 0) {
			at += r;
			n -= (size_t)r;
		}
	}
}
#endif

uint32_t rnd_u32(void)
{
	uint32_t v;

	rnd_bytes(&v, sizeof v);
	return v;
}

uint32_t rnd_below(uint32_t n)
{
	uint32_t skip = -n % n; /* 2^32 mod n: values below would be too frequent */
	uint32_t v;

	do
		v = rnd_u32();
	while (v < skip);
	return v % n;
}
