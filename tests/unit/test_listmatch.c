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

static int has(const struct pattern *p, const char *name)
{
	struct matcher m;
	int r;

	assert_int_equal(matcher_make(&m, p), 0);
	r = matcher_has(&m, name);
	matcher_free(&m);
	return r;
}

static void matches(void **state)
{
	struct pattern p;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		pattern_make(&p, rows[i].reference, rows[i].pattern);
		if (has(&p, rows[i].name) != rows[i].wanted)
			fail_msg("%s%s and %s", rows[i].reference, rows[i].pattern,
				 rows[i].name);
	}
}

/* The same, slowly. */
static int is_like(const char *p, const char *name)
{
	if (*p == '\0')
		return *name == '\0';
	if (*p != '*' && *p != '%')
		return *p == *name && is_like(p + 1, name + 1);
	for (;; name++) {
		if (is_like(p + 1, name))
			return 1;
		if (*name == '\0' || (*p == '%' && *name == '.'))
			return 0;
	}
}

/* The same numbers each time. */
static size_t below(size_t n)
{
	static uint32_t state = 1;

	state = state * 1664525 + 1013904223;
	return (state >> 8) % n;
}

/* n of the characters of from. */
static void make_word(char *out, const char *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = from[below(strlen(from))];
	out[n] = '\0';
}

/* Names of a few letters, and patterns over several words' ends. */
static void is_what_it_means(void **state)
{
	static char text[16], name[300], head[200];
	unsigned hits = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		size_t n = i % 2 ? 0 : below(150);
		struct pattern p;
		int wanted;

		make_word(head, "ab.", n);
		make_word(text, "ab.*%%", 1 + below(9));
		memcpy(name, head, n);
		make_word(name + n, "aab.", below(14));
		wanted = is_like(text, name + n);
		hits += wanted != 0;
		pattern_make(&p, head, text);
		if (has(&p, name) != wanted)
			fail_msg("%s%s and %s: %d", head, text, name, !wanted);
	}
	assert_in_range(hits, 10000, 190000);
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
		assert_int_equal(has(&m, name), 0);
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
	assert_int_equal(has(&m, pattern), 0);
	memset(pattern, '*', sizeof pattern - 1);
	pattern_make(&m, "", pattern);
	assert_int_equal(has(&m, "a"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(matches), cmocka_unit_test(is_what_it_means),
	    cmocka_unit_test(is_quick), cmocka_unit_test(has_a_limit)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
