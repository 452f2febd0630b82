/* date_scan: the pieces of a date, for the readers of date5322.h.
 *
 * The takers move p behind what they took and give 1 (or how much it was), else 0.
 */
#ifndef QUOIN_MIME_DATE_SCAN_H
#define QUOIN_MIME_DATE_SCAN_H

#include <stddef.h>
#include <stdint.h>

struct date_scan {
	const char *p;
	const char *end;
};

/* What a date is made of. */
struct date_parts {
	int year, month, day; /* month from 1 */
	int hour, minute, second;
	int zone; /* minutes */
};

enum { DATE_DAY = 86400, DATE_YEAR_FIRST = 1900, DATE_YEAR_LAST = 9999 };

/* The byte at p, or -1. */
int date_peek(const struct date_scan *s);
int date_take(struct date_scan *s, char c);
/* least to most digits, and no more of them. */
int date_take_number(struct date_scan *s, int least, int most, int *out);
size_t date_take_word(struct date_scan *s, const char **word);
/* By its first three letters; month from 1. */
int date_take_month(struct date_scan *s, int *month);
/* +hhmm */
int date_take_offset(struct date_scan *s, int *zone);

/* Is the word (in any case) this one, of n lower-case letters? */
int date_word_is(const char *word, const char *want, size_t n);
/* Is there such a day, in a year that we know? */
int date_is_day(const struct date_parts *d);
int64_t date_day_seconds(const struct date_parts *d);
int64_t date_seconds(const struct date_parts *d);

#endif
