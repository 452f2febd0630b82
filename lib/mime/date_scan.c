#include "mime/date_scan.h"

#include "ascii.h"

static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

/* ---- the calendar ---- */

static int is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in(int year, int month)
{
	static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01; years begin in March, so that the leap day is the last. */
static int64_t day_number(int year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 + in_year - 719468;
}

int date_is_day(const struct date_parts *d)
{
	return d->year >= DATE_YEAR_FIRST && d->year <= DATE_YEAR_LAST && d->day >= 1 &&
	       d->day <= days_in(d->year, d->month);
}

int64_t date_day_seconds(const struct date_parts *d)
{
	return day_number(d->year, d->month, d->day) * DATE_DAY;
}

int64_t date_seconds(const struct date_parts *d)
{
	return date_day_seconds(d) + d->hour * 3600 + d->minute * 60 + d->second -
	       d->zone * 60;
}

/* ---- pieces ---- */

int date_peek(const struct date_scan *s)
{
	return s->p < s->end ? (unsigned char)*s->p : -1;
}

static int is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static int is_alpha(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int date_take(struct date_scan *s, char c)
{
	if (date_peek(s) != (unsigned char)c)
		return 0;
	s->p++;
	return 1;
}

int date_take_number(struct date_scan *s, int least, int most, int *out)
{
	int n = 0;

	*out = 0;
	for (; n < most && is_digit(date_peek(s)); n++)
		*out = *out * 10 + (*s->p++ - '0');
	return n < least || is_digit(date_peek(s)) ? 0 : n;
}

size_t date_take_word(struct date_scan *s, const char **word)
{
	*word = s->p;
	while (is_alpha(date_peek(s)))
		s->p++;
	return (size_t)(s->p - *word);
}

int date_word_is(const char *word, const char *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ascii_lower(word[i]) != want[i])
			return 0;
	return 1;
}

int date_take_month(struct date_scan *s, int *month)
{
	const char *word;

	if (date_take_word(s, &word) < 3)
		return 0;
	for (*month = 1; *month <= 12; ++*month)
		if (date_word_is(word, months + 3 * (*month - 1), 3))
			return 1;
	return 0;
}

int date_take_offset(struct date_scan *s, int *zone)
{
	int sign = date_peek(s) == '-' ? -1 : 1;
	int n;

	if (!date_take(s, '+') && !date_take(s, '-'))
		return 0;
	if (!date_take_number(s, 4, 4, &n) || n / 100 > 23 || n % 100 > 59)
		return 0;
	*zone = sign * (n / 100 * 60 + n % 100);
	return 1;
}
