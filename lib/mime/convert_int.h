/* convert_int: between the session's side of convert.h and the child's.
 *
 * Frames on a SOCK_SEQPACKET pair. Child, once: { known }, a bit for each conversion. Then
 * { struct convert_ask, n bytes } gives { UTF-8, 'k' }.
 */
#ifndef QUOIN_MIME_CONVERT_INT_H
#define QUOIN_MIME_CONVERT_INT_H

#include <stdint.h>

#include "mime/convert.h"

struct convert_ask {
	uint32_t text;
	uint16_t which;
	uint16_t end;
};

enum {
	CONVERT_KEPT = 16,  /* bytes of a character that is not whole */
	CONVERT_GROWTH = 4, /* bytes of UTF-8 that one byte can make */
};

/* The most that comes of n bytes, and the letter. */
#define CONVERT_MOST(n) (CONVERT_GROWTH * ((n) + 2 * (size_t)CONVERT_KEPT) + 1)

_Noreturn void convert_child(int fd, const struct jail_profile *p);

#endif
