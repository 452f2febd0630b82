/* Sums that are fast: for the index, which may be lost, and for finding names. quoin-uids
 * has sum.h's. */
#include <string.h>

#include "maildir/box_int.h"

#define ODD_A 0x9e3779b97f4a7c15U
#define ODD_B 0xd6e8feb86659fd93U

static uint64_t stir(uint64_t h, uint64_t v)
{
	h = (h ^ v) * ODD_A;
	return h ^ h >> 32;
}

/* Two lanes side by side: a multiplication waits for the one before it. */
uint64_t boxsum_bytes(const void *p, size_t n)
{
	const char *at = p;
	uint64_t a = n;
	uint64_t b = ODD_B;
	uint64_t v[2];

	for (; n >= sizeof v; n -= sizeof v, at += sizeof v) {
		memcpy(v, at, sizeof v);
		a = stir(a, v[0]);
		b = stir(b, v[1]);
	}
	v[0] = v[1] = 0;
	if (n > 0)
		memcpy(v, at, n);
	a = stir(a, v[0]);
	b = stir(b, v[1]);
	return stir(stir(a, b), ODD_B);
}

uint32_t boxsum_name(const char *p, size_t n)
{
	return (uint32_t)boxsum_bytes(p, n);
}
