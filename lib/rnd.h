/* rnd: random bytes of the kernel (libsodium where it is linked). Never fails;
 * waits only for the kernel's pool early at boot.
 */
#ifndef QUOIN_RND_H
#define QUOIN_RND_H

#include <stddef.h>
#include <stdint.h>

void rnd_bytes(void *p, size_t n);
uint32_t rnd_u32(void);

/* Even distribution over 0..n-1; n > 0. */
uint32_t rnd_below(uint32_t n);

#endif
