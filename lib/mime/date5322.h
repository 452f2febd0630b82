/* date5322: dates as they come, to seconds since 1970 (UTC).
 *
 * A message's Date (RFC 5322 3.3 and 4.3: comments, two-digit years, zone names, lower
 * case, missing seconds); IMAP's date-time ("17-Jul-1996 02:44:25 -0700") and date ("1-Feb-1994").
 * The year is 1900 to 9999; what is no date is -1 (0 otherwise), nothing is guessed.
 * zone: minutes east of UTC, for SENTON and its like (RFC 9051: the date as written,
 * without regard to time zone).
 */
#ifndef QUOIN_MIME_DATE5322_H
#define QUOIN_MIME_DATE5322_H

#include <stddef.h>
#include <stdint.h>

int date5322_read(const char *p, size_t n, int64_t *when, int *zone);
int date_time_read(const char *p, size_t n, int64_t *when);
/* The day, as seconds of its midnight. */
int date_day_read(const char *p, size_t n, int64_t *day);
/* "17-Jul-1996 02:44:25 +0000" with two places for the day; 27 bytes with the NUL. */
void date_time_make(char out[27], int64_t when);

#endif
