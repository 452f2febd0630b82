/* LIST's patterns. */
#include "exact.h"

#include "../../qimapd/list_match.h"

static const struct {
	const char *reference, *pattern, *name;
	int wanted;
} rows[] = {{"", "*", "a.b", 1},
	    {"", "%", "a", 1},
	    {"", "%", "a.b", 0},
	    {"", "%.%", "a.b", 1},
	    {"", "%.%", "a.b.c", 0},
	    {"", "a*", "a", 1},
	    {"", "a%", "a.b", 0},
	    {"", "a*c", "a.b.c", 1},
	    {"", "*c", "a.b.cd", 0},
	    {"a.", "%", "a.b", 1},
	    {"a.", "%", "b.b", 0},
	    {"", "%*%", "a.b.c", 1},
	    {"", "inbox", "INBOX", 1},
	    {"", "iN%", "INBOX", 1},
	    {"", "inbox", "inbox.x", 0},
	    {"", "sent", "Sent", 0},
	    {"", "", "a", 0},
	    {"", "a", "", 0},
	    {"", "*a*b", "aXbXb", 1},
	    {"", "%a%b", "a.b", 0},
	    {"", "*.%", "a.b.c", 1},
	    {"", "a.%.c", "a.b.c", 1},
	    {"", "a.%.c", "a.b.d.c", 0},
	    {"", "%%%", "abc", 1}};

static void matches(void **state)
{
	struct pattern m;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		pattern_make(&m, rows[i].reference, rows[i].pattern);
		if (pattern_matches(&m, rows[i].name) != rows[i].wanted)
			fail_msg("%s%s and %s", rows[i].reference, rows[i].pattern,
				 rows[i].name);
	}
}

/* No more than pattern times name, whatever stands in it. */
static void is_quick(void **state)
{
	char pattern[2 * 500 + 1];
	char name[1001];
	struct pattern m;

	(void)state;
	for (size_t i = 0; i < 500; i++)
		memcpy(pattern + 2 * i, i % 2 ? "*a" : "%a", 2);
	pattern[1000] = '\0';
	memset(name, 'a', 1000);
	name[999] = 'b';
	name[1000] = '\0';
	pattern_make(&m, "", pattern);
	for (int i = 0; i < 20; i++)
		assert_int_equal(pattern_matches(&m, name), 0);
}

static void has_a_limit(void **state)
{
	char pattern[PATTERN_MAX + 2];
	struct pattern m;

	(void)state;
	memset(pattern, 'a', sizeof pattern - 1);
	pattern[sizeof pattern - 1] = '\0';
	pattern_make(&m, "", pattern);
	assert_int_equal(m.n, 0);
	assert_int_equal(pattern_matches(&m, pattern), 0);
	memset(pattern, '*', sizeof pattern - 1);
	pattern_make(&m, "", pattern);
	assert_int_equal(pattern_matches(&m, "a"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(matches),
					   cmocka_unit_test(is_quick),
					   cmocka_unit_test(has_a_limit)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
