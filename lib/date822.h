/* date822: a moment as RFC 5322 3.3 writes it, in the local time zone with its
 * offset: "Sat, 21 Nov 2026 12:04:09 +0100"; for Date and Received fields.
 *
 * out gets DATE822_SIZE bytes at most, the NUL counted. Never fails: a moment
 * that localtime cannot tell is written in UTC, as -0000.
 */
#ifndef QUOIN_DATE822_H
#define QUOIN_DATE822_H

#include <time.h>

enum { DATE822_SIZE = 48 };

void date822(char out[DATE822_SIZE], time_t when);

#endif
