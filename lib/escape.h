/* escape: foreign bytes on their way into a line of ours.
 *
 * Both write a NUL-ended string of at most size - 1 bytes into out (size > 0),
 * cut what does not fit at a whole escape, and return its length.
 */
#ifndef QUOIN_ESCAPE_H
#define QUOIN_ESCAPE_H

#include <stddef.h>

/* For logs: bytes outside 0x20..0x7e, and the backslash, become \xNN. */
size_t escape_log(char *out, size_t size, const char *p, size_t n);

/* The same for a value of key=value: space, '"' and '=' are escaped too, and
 * an empty value is written "". */
size_t escape_value(char *out, size_t size, const char *p, size_t n);

/* For replies and bounces: one line, printable ASCII; line ends and tabs become
 * a space, other bytes '?'. The text is cut at LIMIT_TEXT whatever size says. */
size_t escape_text(char *out, size_t size, const char *p, size_t n);

#endif
