/* sortkept: the order that the session's last SORT found, for the same SORT again.
 *
 * What a message holds never changes, so the same keys order the same messages alike.
 * Messages are ordinals: who lets these change calls sortkept_forget(). Not for keys by
 * SIZE, of which a better one may be learned.
 * Owner:  the unit, 8 bytes a message; without memory nothing is kept.
 */
#ifndef QIMAPD_SORTKEPT_H
#define QIMAPD_SORTKEPT_H

#include <stddef.h>
#include <stdint.h>

enum { SORTKEPT_KEYS = 16, SORTKEPT_MESSAGES = 100000 };

/* The keys, a byte each, in the caller's code. Those behind the last are 0. */
struct sortkept_keys {
	uint8_t key[SORTKEPT_KEYS];
};

/* 1 and n numbers in order, or 0. */
int sortkept_get(const struct sortkept_keys *k, const uint32_t *at, size_t n,
		 uint32_t *order);
void sortkept_put(const struct sortkept_keys *k, const uint32_t *at, size_t n,
		  const uint32_t *order);
void sortkept_forget(void);

#endif
