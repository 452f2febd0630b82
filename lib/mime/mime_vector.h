/* mime_vector: sixteen bytes at a time, in the compiler's words for what the machine has (SSE2, NEON, or
 * plain registers); for lib/mime alone. A byte of a comparison's result is 255 or 0. */
#ifndef QUOIN_MIME_VECTOR_H
#define QUOIN_MIME_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef unsigned char mime_bytes __attribute__((vector_size(16)));

enum { MIME_STEP = sizeof(mime_bytes) };

struct mime_halves {
	uint64_t low, high;
};

static inline mime_bytes mime_load(const char *p)
{
	mime_bytes v;

	memcpy(&v, p, sizeof v);
	return v;
}

static inline struct mime_halves mime_halves(mime_bytes v)
{
	struct mime_halves h;

	memcpy(&h, &v, sizeof h);
	return h;
}

static inline int mime_any(mime_bytes v)
{
	struct mime_halves h = mime_halves(v);

	return (h.low | h.high) != 0;
}

/* The sum of all bytes, if it is under 256. */
static inline unsigned mime_sum(mime_bytes v)
{
	struct mime_halves h = mime_halves(v);

	return (unsigned)((h.low + h.high) * 0x0101010101010101U >> 56);
}

/* The first byte of h that is not 0; there is one. */
static inline size_t mime_first_byte(uint64_t h)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (size_t)__builtin_ctzll(h) / 8;
#else
	return (size_t)__builtin_clzll(h) / 8;
#endif
}

/* The place of the first LF in v, or MIME_STEP. */
static inline size_t mime_first_lf(mime_bytes v)
{
	struct mime_halves h = mime_halves((mime_bytes)(v == '\n'));

	if (h.low != 0)
		return mime_first_byte(h.low);
	return h.high != 0 ? 8 + mime_first_byte(h.high) : MIME_STEP;
}

/* A bit for each byte of a comparison's result, the lowest for the first. */
static inline unsigned mime_mask(mime_bytes v)
{
#ifdef __SSE2__
	typedef char signs __attribute__((vector_size(16)));

	return (unsigned)__builtin_ia32_pmovmskb128((signs)v);
#else
	struct mime_halves h = mime_halves(v);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	const uint64_t own = 0x8040201008040201U;
#else
	const uint64_t own = 0x0102040810204080U;
#endif

	return (unsigned)((h.low & own) * 0x0101010101010101U >> 56 |
			  (h.high & own) * 0x0101010101010101U >> 56 << 8);
#endif
}

/* The same for the LFs in a step at p, or in four. */
static inline uint64_t mime_lfs(const char *p)
{
	return mime_mask((mime_bytes)(mime_load(p) == '\n'));
}

static inline uint64_t mime_lfs4(const char *p)
{
	return mime_lfs(p) | mime_lfs(p + MIME_STEP) << MIME_STEP |
	       mime_lfs(p + 2 * MIME_STEP) << 2 * MIME_STEP |
	       mime_lfs(p + 3 * MIME_STEP) << 3 * MIME_STEP;
}

#endif
