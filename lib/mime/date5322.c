#include "mime/date5322.h"

#include <string.h>

#include "ascii.h"

enum { DAY = 86400, YEAR_FIRST = 1900, YEAR_LAST = 9999 };

static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

struct scan {
	const char *p;
	const char *end;
};

/* What a date is made of. */
struct date {
	int year, month, day; /* month from 1 */
	int hour, minute, second;
	int zone; /* minutes */
};

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

static int is_day(const struct date *d)
{
	return d->year >= YEAR_FIRST && d->year <= YEAR_LAST && d->day >= 1 &&
	       d->day <= days_in(d->year, d->month);
}

static int64_t seconds(const struct date *d)
{
	return day_number(d->year, d->month, d->day) * DAY + d->hour * 3600 +
	       d->minute * 60 + d->second - d->zone * 60;
}

/* ---- pieces ---- */

static int peek(const struct scan *s)
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

static int take(struct scan *s, char c)
{
	if (peek(s) != (unsigned char)c)
		return 0;
	s->p++;
	return 1;
}

/* least to most digits; their count, or 0. */
static int take_number(struct scan *s, int least, int most, int *out)
{
	int n = 0;

	*out = 0;
	for (; n < most && is_digit(peek(s)); n++)
		*out = *out * 10 + (*s->p++ - '0');
	return n < least || is_digit(peek(s)) ? 0 : n;
}

static size_t take_word(struct scan *s, const char **word)
{
	*word = s->p;
	while (is_alpha(peek(s)))
		s->p++;
	return (size_t)(s->p - *word);
}

/* Is the word (in any case) this one, of n lower-case letters? */
static int same(const char *word, const char *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ascii_lower(word[i]) != want[i])
			return 0;
	return 1;
}

static int take_month(struct scan *s, int *month)
{
	const char *word;

	if (take_word(s, &word) < 3)
		return 0;
	for (*month = 1; *month <= 12; ++*month)
		if (same(word, months + 3 * (*month - 1), 3))
			return 1;
	return 0;
}

/* RFC 5322 3.2.2: blanks, line ends, comments in comments. */
static void skip_cfws(struct scan *s)
{
	size_t depth = 0;

	for (; s->p < s->end; s->p++) {
		if (*s->p == '(')
			depth++;
		else if (*s->p == ')' && depth > 0)
			depth--;
		else if (*s->p == '\\' && depth > 0 && s->p + 1 < s->end)
			s->p++;
		else if (depth == 0 && memchr(" \t\r\n", *s->p, 4) == NULL)
			return;
	}
}

/* +hhmm */
static int take_offset(struct scan *s, int *zone)
{
	int sign = peek(s) == '-' ? -1 : 1;
	int n;

	if (!take(s, '+') && !take(s, '-'))
		return 0;
	if (!take_number(s, 4, 4, &n) || n / 100 > 23 || n % 100 > 59)
		return 0;
	*zone = sign * (n / 100 * 60 + n % 100);
	return 1;
}

/* ---- a message's Date ---- */

/* RFC 5322 4.3: what is not listed there says nothing: as -0000. */
static int zone_by_name(const char *word, size_t n)
{
	static const char names[] = "estcstmstpst", summer[] = "edtcdtmdtpdt";

	for (int i = 0; n == 3 && i < 4; i++) {
		if (same(word, names + 3 * i, 3))
			return -60 * (5 + i);
		if (same(word, summer + 3 * i, 3))
			return -60 * (4 + i);
	}
	return 0;
}

static int take_zone(struct scan *s, int *zone)
{
	const char *word;
	size_t n;

	*zone = 0;
	skip_cfws(s);
	if (peek(s) == '+' || peek(s) == '-')
		return take_offset(s, zone);
	n = take_word(s, &word);
	*zone = zone_by_name(word, n);
	return 1; /* with nothing at all, as with an unknown name */
}

static int take_year(struct scan *s, int *year)
{
	int n;

	skip_cfws(s);
	n = take_number(s, 2, 4, year);
	if (n == 2) /* RFC 5322 4.3 */
		*year += *year < 50 ? 2000 : 1900;
	else if (n == 3)
		*year += 1900;
	return n;
}

static int take_colon(struct scan *s)
{
	skip_cfws(s);
	if (!take(s, ':'))
		return 0;
	skip_cfws(s);
	return 1;
}

static int take_clock(struct scan *s, struct date *d)
{
	skip_cfws(s);
	if (!take_number(s, 1, 2, &d->hour) || !take_colon(s) ||
	    !take_number(s, 1, 2, &d->minute))
		return 0;
	d->second = 0;
	if (take_colon(s) && !take_number(s, 1, 2, &d->second))
		return 0;
	return d->hour < 24 && d->minute < 60 && d->second <= 60;
}

int date5322_read(const char *p, size_t n, int64_t *when, int *zone)
{
	struct scan s = {p, p + n};
	struct date d;
	const char *weekday;

	skip_cfws(&s);
	if (take_word(&s, &weekday) > 0) {
		skip_cfws(&s);
		(void)take(&s, ',');
		skip_cfws(&s);
	}
	if (!take_number(&s, 1, 2, &d.day))
		return -1;
	skip_cfws(&s);
	if (!take_month(&s, &d.month) || !take_year(&s, &d.year) || !is_day(&d) ||
	    !take_clock(&s, &d) || !take_zone(&s, &d.zone))
		return -1;
	*when = seconds(&d);
	if (zone != NULL)
		*zone = d.zone;
	return 0;
}

/* ---- IMAP's ---- */

static int take_day(struct scan *s, struct date *d)
{
	return take_number(s, 1, 2, &d->day) && take(s, '-') &&
	       take_month(s, &d->month) && s->p[-4] == '-' && take(s, '-') &&
	       take_number(s, 4, 4, &d->year) && is_day(d);
}

int date_day_read(const char *p, size_t n, int64_t *day)
{
	struct scan s = {p, p + n};
	struct date d;

	if (!take_day(&s, &d) || s.p != s.end)
		return -1;
	*day = day_number(d.year, d.month, d.day) * DAY;
	return 0;
}

int date_time_read(const char *p, size_t n, int64_t *when)
{
	struct scan s = {p, p + n};
	struct date d;

	(void)take(&s, ' '); /* date-day-fixed; one digit alone is common */
	if (!take_day(&s, &d) || !take(&s, ' ') || !take_number(&s, 2, 2, &d.hour) ||
	    !take(&s, ':') || !take_number(&s, 2, 2, &d.minute) || !take(&s, ':') ||
	    !take_number(&s, 2, 2, &d.second) || !take(&s, ' ') ||
	    !take_offset(&s, &d.zone) || s.p != s.end)
		return -1;
	if (d.hour > 23 || d.minute > 59 || d.second > 60)
		return -1;
	*when = seconds(&d);
	return 0;
}
