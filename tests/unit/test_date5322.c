#include "exact.h"

#include <time.h>

#include "mime/date5322.h"

static const int64_t NONE = INT64_MIN;

static const struct {
	const char *in;
	int64_t when; /* INT64_MIN: no date */
	int zone;
} dates[] = {
    {"Thu, 1 Jan 1970 00:00:00 +0000", 0, 0},
    {" Sat, 21 Nov 2026 12:04:09 +0100\r\n", 1795259049, 60},
    {"21 Nov 2026 12:04:09 -0330", 1795275249, -210},
    {"sat, 21 nov 2026 12:04 gmt", 1795262640, 0},
    {"Sat 21 November 2026 1:4:9 EST", 1795241049, -300},
    {"21 Nov 26 12:04:09 PDT", 1795287849, -420},
    {"21 Nov 96 12:04:09 MST", 848603049, -420},
    {"21 Nov 126 12:04:09 UT", 1795262649, 0},
    {"21 Nov 2026 12:04:09", 1795262649, 0},
    {"21 Nov 2026 12:04:09 Z", 1795262649, 0},
    {"21 Nov 2026 12:04:09 CEST (so they say)", 1795262649, 0},
    {"(a(b\\)c)) Sat (d) , 21\r\n Nov(x)2026 12 : 04 : 09 (y) -0000", 1795262649, 0},
    {"Thu, 29 Feb 2024 12:00:00 +0000", 1709208000, 0},
    {"31 Dec 2016 23:59:60 +0000", 1483228800, 0},
    {"1 Jan 1900 00:00:00 +0000", -2208988800, 0},
    {"31 Dec 9999 23:59:59 +0000", 253402300799, 0},
    {"29 Feb 2000 12:00:00 +0000", 951825600, 0},
    {"29 Feb 2023 12:00:00 +0000", NONE, 0},
    {"29 Feb 2100 12:00:00 +0000", NONE, 0},
    {"31 Apr 2023 12:00:00 +0000", NONE, 0},
    {"0 Apr 2023 12:00:00 +0000", NONE, 0},
    {"1 Apr 1899 12:00:00 +0000", NONE, 0},
    {"1 Apr 12023 12:00:00 +0000", NONE, 0},
    {"1 Ap 2023 12:00:00 +0000", NONE, 0},
    {"1 Foo 2023 12:00:00 +0000", NONE, 0},
    {"1 Apr 2023 24:00:00 +0000", NONE, 0},
    {"1 Apr 2023 12:60:00 +0000", NONE, 0},
    {"1 Apr 2023 12:00:61 +0000", NONE, 0},
    {"1 Apr 2023 12:00:00 +000", NONE, 0},
    {"1 Apr 2023 12:00:00 +0060", NONE, 0},
    {"1 Apr 2023 12:00:", NONE, 0},
    {"1 Apr 2023 12", NONE, 0},
    {"1 Apr 2023", NONE, 0},
    {"Sat,", NONE, 0},
    {"(", NONE, 0},
    {"(\\", NONE, 0},
    {"", NONE, 0},
};

static void test_message(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(dates); i++) {
		size_t n = strlen(dates[i].in);
		char *in = exact(dates[i].in, n);
		int64_t when = NONE;
		int zone = 0;
		int r = date5322_read(in, n, &when, &zone);

		if (r != (dates[i].when == NONE ? -1 : 0) || when != dates[i].when ||
		    zone != dates[i].zone)
			fail_msg("%s: %d %lld %d", dates[i].in, r, (long long)when, zone);
		free(in);
	}
}

typedef int reader(const char *p, size_t n, int64_t *when);

static const struct {
	reader *read;
	const char *in;
	int64_t when;
} own[] = {
    {date_time_read, "17-Jul-1996 02:44:25 -0700", 837596665},
    {date_time_read, " 1-Jan-1970 00:00:00 +0000", 0},
    {date_time_read, "1-jan-1970 00:00:00 +0000", 0},
    {date_time_read, "01-JAN-1970 00:00:01 +0000", 1},
    {date_time_read, "01-Jan-1970 00:00:00 +0000 ", NONE},
    {date_time_read, "01-Jan-1970 00:00:00 GMT", NONE},
    {date_time_read, "01-Jan-1970 0:00:00 +0000", NONE},
    {date_time_read, "01-Jan-70 00:00:00 +0000", NONE},
    {date_time_read, "30-Feb-1970 00:00:00 +0000", NONE},
    {date_time_read, "", NONE},
    {date_day_read, "1-Feb-1994", 760060800},
    {date_day_read, "01-feb-1994", 760060800},
    {date_day_read, "1-February-1994", NONE},
    {date_day_read, "1-Feb-94", NONE},
    {date_day_read, "1-Feb-1994 ", NONE},
    {date_day_read, " 1-Feb-1994", NONE},
    {date_day_read, "-Feb-1994", NONE},
    {date_day_read, "1--1994", NONE},
    {date_day_read, "1-Feb-", NONE},
};

static void test_imap(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(own); i++) {
		size_t n = strlen(own[i].in);
		char *in = exact(own[i].in, n);
		int64_t when = NONE;
		int r = own[i].read(in, n, &when);

		if (r != (own[i].when == NONE ? -1 : 0) || when != own[i].when)
			fail_msg("%s: %d %lld", own[i].in, r, (long long)when);
		free(in);
	}
}

/* Every day of eight centuries and some moments, as the system's library has them. */
static void test_made(void **state)
{
	(void)state;
	for (int64_t at = -12219292800; at < 13000000000; at += 86399) {
		time_t t = (time_t)at;
		int64_t again = 0;
		char want[64], *out = malloc(27);
		struct tm tm;

		assert_non_null(out);
		assert_non_null(gmtime_r(&t, &tm));
		assert_int_not_equal(
		    strftime(want, sizeof want, "%d-%b-%Y %H:%M:%S +0000", &tm), 0);
		date_time_make(out, at);
		assert_string_equal(out, want);
		if (tm.tm_year >= 0) {
			assert_int_equal(date_time_read(out, 26, &again), 0);
			assert_int_equal(again, at);
		}
		free(out);
	}
}

static void test_edges(void **state)
{
	static const struct {
		int64_t when;
		const char *out;
	} edges[] = {
	    {INT64_MAX, "31-Dec-9999 23:59:59 +0000"},
	    {INT64_MIN, "01-Jan-0000 00:00:00 +0000"},
	    {0, "01-Jan-1970 00:00:00 +0000"},
	    {-1, "31-Dec-1969 23:59:59 +0000"},
	};
	char out[27];

	(void)state;
	for (size_t i = 0; i < COUNT(edges); i++) {
		date_time_make(out, edges[i].when);
		assert_string_equal(out, edges[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_message),
	    cmocka_unit_test(test_imap),
	    cmocka_unit_test(test_made),
	    cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
