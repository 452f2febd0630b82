/* num: strict reading of decimal numbers from foreign text.
 *
 * Errors: 0, or -1 with EINVAL (no digit, a sign, anything behind the digits)
 *         or ERANGE (over max); *v is untouched on -1.
 */
#ifndef QUOIN_NUM_H
#define QUOIN_NUM_H

#include <stddef.h>
#include <stdint.h>

/* The whole NUL-ended string. */
int num_parse(const char *s, uint64_t max, uint64_t *v);

/* Exactly the n bytes at p. */
int num_parse_n(const char *p, size_t n, uint64_t max, uint64_t *v);

#endif
