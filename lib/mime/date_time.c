#include "mime/date5322.h"

#include <string.h>

#include "mime/date_scan.h"

/* ---- reading ---- */

static int take_day(struct date_scan *s, struct date_parts *d)
{
	return date_take_number(s, 1, 2, &d->day) && date_take(s, '-') &&
	       date_take_month(s, &d->month) && s->p[-4] == '-' && date_take(s, '-') &&
	       date_take_number(s, 4, 4, &d->year) && date_is_day(d);
}

int date_day_read(const char *p, size_t n, int64_t *day)
{
	struct date_scan s = {p, p + n};
	struct date_parts d = {0};

	if (!take_day(&s, &d) || s.p != s.end)
		return -1;
	*day = date_day_seconds(&d);
	return 0;
}

int date_time_read(const char *p, size_t n, int64_t *when)
{
	struct date_scan s = {p, p + n};
	struct date_parts d = {0};

	(void)date_take(&s, ' '); /* date-day-fixed; one digit alone is common */
	if (!take_day(&s, &d) || !date_take(&s, ' ') ||
	    !date_take_number(&s, 2, 2, &d.hour) || !date_take(&s, ':') ||
	    !date_take_number(&s, 2, 2, &d.minute) || !date_take(&s, ':') ||
	    !date_take_number(&s, 2, 2, &d.second) || !date_take(&s, ' ') ||
	    !date_take_offset(&s, &d.zone) || s.p != s.end)
		return -1;
	if (d.hour > 23 || d.minute > 59 || d.second > 60)
		return -1;
	*when = date_seconds(&d);
	return 0;
}

/* ---- making ---- */

static void put2(char *out, int64_t n)
{
	out[0] = (char)('0' + n / 10);
	out[1] = (char)('0' + n % 10);
}

/* IMAP has years of four digits. */
static int64_t in_reach(int64_t when)
{
	const int64_t first = -62167219200, last = 253402300799; /* 0000 to 9999 */

	return when < first ? first : when > last ? last : when;
}

void date_time_make(char out[27], int64_t when)
{
	static const char months[] = "MarAprMayJunJulAugSepOctNovDecJanFeb";
	int64_t at = in_reach(when);
	int64_t day = (at < 0 ? at - (DATE_DAY - 1) : at) / DATE_DAY;
	int64_t clock = at - day * DATE_DAY;
	int64_t z = day + 719468; /* from the 1st of March of the year 0 */
	int64_t era = (z < 0 ? z - 146096 : z) / 146097; /* of 400 years */
	int64_t in_era = z - era * 146097;
	int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * in_year + 2) / 153; /* March is 0 */

	year += era * 400 + (month > 9);
	memcpy(out, "dd-Mon-yyyy hh:mm:ss +0000", 27);
	put2(out, in_year - (153 * month + 2) / 5 + 1);
	memcpy(out + 3, months + 3 * month, 3);
	put2(out + 7, year / 100);
	put2(out + 9, year % 100);
	put2(out + 12, clock / 3600);
	put2(out + 15, clock / 60 % 60);
	put2(out + 18, clock % 60);
}
