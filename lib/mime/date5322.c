#include "mime/date5322.h"

#include "mime/date_scan.h"

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* RFC 5322 3.2.2: blanks, line ends, comments in comments. */
static void skip_cfws(struct date_scan *s)
{
	size_t depth = 0;

	for (; s->p < s->end; s->p++) {
		if (*s->p == '(')
			depth++;
		else if (*s->p == ')' && depth > 0)
			depth--;
		else if (*s->p == '\\' && depth > 0 && s->p + 1 < s->end)
			s->p++;
		else if (depth == 0 && !is_blank(*s->p))
			return;
	}
}

/* RFC 5322 4.3: what is not listed there says nothing: as -0000. */
static int zone_by_name(const char *word, size_t n)
{
	static const char names[] = "estcstmstpst", summer[] = "edtcdtmdtpdt";

	for (int i = 0; n == 3 && i < 4; i++) {
		if (date_word_is(word, names + 3 * i, 3))
			return -60 * (5 + i);
		if (date_word_is(word, summer + 3 * i, 3))
			return -60 * (4 + i);
	}
	return 0;
}

static int take_zone(struct date_scan *s, int *zone)
{
	const char *word;
	size_t n;

	*zone = 0;
	skip_cfws(s);
	if (date_peek(s) == '+' || date_peek(s) == '-')
		return date_take_offset(s, zone);
	n = date_take_word(s, &word);
	*zone = zone_by_name(word, n);
	return 1; /* with nothing at all, as with an unknown name */
}

static int take_year(struct date_scan *s, int *year)
{
	int n;

	skip_cfws(s);
	n = date_take_number(s, 2, 4, year);
	if (n == 2) /* RFC 5322 4.3 */
		*year += *year < 50 ? 2000 : 1900;
	else if (n == 3)
		*year += 1900;
	return n;
}

static int take_colon(struct date_scan *s)
{
	skip_cfws(s);
	if (!date_take(s, ':'))
		return 0;
	skip_cfws(s);
	return 1;
}

static int take_clock(struct date_scan *s, struct date_parts *d)
{
	skip_cfws(s);
	if (!date_take_number(s, 1, 2, &d->hour) || !take_colon(s) ||
	    !date_take_number(s, 1, 2, &d->minute))
		return 0;
	d->second = 0;
	if (take_colon(s) && !date_take_number(s, 1, 2, &d->second))
		return 0;
	return d->hour < 24 && d->minute < 60 && d->second <= 60;
}

int date5322_read(const char *p, size_t n, int64_t *when, int *zone)
{
	struct date_scan s = {p, p + n};
	struct date_parts d = {0};
	const char *weekday;

	skip_cfws(&s);
	if (date_take_word(&s, &weekday) > 0) {
		skip_cfws(&s);
		(void)date_take(&s, ',');
		skip_cfws(&s);
	}
	if (!date_take_number(&s, 1, 2, &d.day))
		return -1;
	skip_cfws(&s);
	if (!date_take_month(&s, &d.month) || !take_year(&s, &d.year) ||
	    !date_is_day(&d) || !take_clock(&s, &d) || !take_zone(&s, &d.zone))
		return -1;
	*when = date_seconds(&d);
	if (zone != NULL)
		*zone = d.zone;
	return 0;
}
