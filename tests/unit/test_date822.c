#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "date822.h"

static const struct {
	const char *zone;
	time_t when;
	const char *out;
} cases[] = {
    {"UTC0", 0, "Thu, 1 Jan 1970 00:00:00 +0000"},
    {"UTC0", 1795262649, "Sat, 21 Nov 2026 12:04:09 +0000"},
    {"CET-1CEST,M3.5.0,M10.5.0/3", 1795262649, "Sat, 21 Nov 2026 13:04:09 +0100"},
    {"CET-1CEST,M3.5.0,M10.5.0/3", 1782302649, "Wed, 24 Jun 2026 14:04:09 +0200"},
    {"EST5EDT,M3.2.0,M11.1.0", 1795262649, "Sat, 21 Nov 2026 07:04:09 -0500"},
    {"NST3:30", 1795262649, "Sat, 21 Nov 2026 08:34:09 -0330"},
    {"<+0545>-5:45", 1795262649, "Sat, 21 Nov 2026 17:49:09 +0545"},
    {"UTC0", 1709208000, "Thu, 29 Feb 2024 12:00:00 +0000"},
    {"UTC0", 4107542400, "Mon, 1 Mar 2100 00:00:00 +0000"},
    {"UTC0", -1, "Wed, 31 Dec 1969 23:59:59 +0000"},
    {"UTC0", INT64_MAX, "Thu, 1 Jan 1970 00:00:00 -0000"},
};

static void test_date(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *out = malloc(DATE822_SIZE);

		assert_non_null(out);
		assert_int_equal(setenv("TZ", cases[i].zone, 1), 0);
		tzset();
		date822(out, cases[i].when);
		assert_string_equal(out, cases[i].out);
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_date)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
