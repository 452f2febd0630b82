/* unicode: UTF-8 in pieces, as RFC 3629 has it (utf8.h looks at a whole text).
 *
 * utf8_take(): the bytes of the character at p, 0 if n bytes are its good beginning, -1 if
 * that is none. utf8_put(): c, or U+FFFD for what is no character; 1 to 4 bytes.
 * ascii_span(): how many bytes at p are ASCII.
 */
#ifndef QUOIN_MIME_UNICODE_H
#define QUOIN_MIME_UNICODE_H

#include <stddef.h>
#include <stdint.h>

int utf8_take(const char *p, size_t n);
size_t utf8_put(char out[4], uint32_t c);
size_t ascii_span(const char *p, size_t n);

#endif
