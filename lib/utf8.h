/* utf8: is it UTF-8? Shortest forms alone, no surrogates, up to U+10FFFF (RFC 3629).
 */
#ifndef QUOIN_UTF8_H
#define QUOIN_UTF8_H

#include <stddef.h>

int utf8_is_valid(const char *p, size_t n);

#endif
