/* move: bytes from here to there, quickly when they are few.
 *
 * musl's memcpy() for x86-64 begins a `rep movsq` for any size: 25 ns, where a word of the
 * log or a line of a message takes 3. Programs with musl get this one under the C names
 * (move_libc.c), its own printf() too.
 */
#ifndef QUOIN_MOVE_H
#define QUOIN_MOVE_H

#include <stddef.h>

/* As memmove(). */
void *move_bytes(void *to, const void *from, size_t n);

#endif
