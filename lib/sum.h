/* sum: the checksum of queue files and journals: BLAKE2b of 16 bytes, unkeyed
 * (RFC 7693; crypto_generichash where libsodium is linked, ours where it cannot
 * be: tests/unit compares the two). It finds accidents of the disk; it is no
 * proof against somebody who writes the file.
 */
#ifndef QUOIN_SUM_H
#define QUOIN_SUM_H

#include <stddef.h>
#include <stdint.h>

enum { SUM_LEN = 16 };

#ifdef HAVE_SODIUM
#include <sodium.h>
struct sum {
	crypto_generichash_state state;
};
#else
struct sum {
	uint64_t h[8];
	uint64_t total[2];
	size_t fill;
	uint8_t block[128];
};
#endif

void sum_init(struct sum *s);
void sum_add(struct sum *s, const void *p, size_t n);
void sum_end(struct sum *s, uint8_t out[SUM_LEN]);

#endif
