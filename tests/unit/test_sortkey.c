#include "exact.h"

#include "../../qimapd/sortkey.h"
#include "sbuf.h"

enum { MANY = 20000 };

static const struct {
	enum sort_by by;
	const char *in, *out;
} keys[] = {
    {SORT_SUBJECT, "Re: [x] hello", "HELLO"},
    {SORT_FROM, "Fred Foobar <fred@example.com>", "FRED"},
    {SORT_FROM, "anna@example.com, fred@example.com", "ANNA"},
    {SORT_TO, "\"a, b\" (x) <zoe@example.com>", "ZOE"},
    {SORT_FROM, "\"fred\"@example.com", "FRED"},
    {SORT_FROM, "<\"q\\\"x y\"@example.com>", "Q\"X Y"},
    {SORT_FROM, "a . b @ example.com", "A.B"},
    {SORT_TO, "Friends: zoe@example.com;, anna@example.com", "FRIENDS"},
    {SORT_TO, "undisclosed-recipients:;", "UNDISCLOSED-RECIPIENTS"},
    {SORT_CC, "", ""},
    {SORT_CC, "no address at all <", ""},
};

static void test_keys(void **state)
{
	struct sbuf texts = SBUF_INIT(1000);

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		size_t n = strlen(keys[i].in);
		char *in = exact(keys[i].in, n);
		struct sort_text key;

		assert_int_equal(sortkey_text(&texts, keys[i].by, in, n, &key), 0);
		assert_int_equal(key.n, strlen(keys[i].out));
		if (key.n > 0)
			assert_memory_equal(texts.p + key.at, keys[i].out, key.n);
		free(in);
	}
	sbuf_free(&texts);
}

static void test_columns(void **state)
{
	static const char words[] = "aababcdefghijklmno";
	static const struct sort_text text[] = {{0, 1},  {0, 2},  {2, 1}, {0, 1},
						{4, 10}, {4, 11}, {0, 0}};
	static const int64_t number[] = {5, -1, INT64_MAX, 3, INT64_MIN, 0, 3};
	static const struct {
		struct sort_column c[2];
		size_t n;
		uint32_t want[COUNT(text)];
	} cases[] = {
	    {{{0, NULL, text, words}}, 1, {6, 0, 3, 1, 2, 4, 5}},
	    {{{1, NULL, text, words}}, 1, {5, 4, 2, 1, 0, 3, 6}},
	    {{{0, number, NULL, NULL}}, 1, {4, 1, 5, 3, 6, 0, 2}},
	    {{{1, number, NULL, NULL}}, 1, {2, 0, 3, 6, 5, 1, 4}},
	    {{{0, NULL, text, words}, {0, number, NULL, NULL}}, 2, {6, 3, 0, 1, 2, 4, 5}},
	    {{{0, NULL, text, words}, {1, number, NULL, NULL}}, 2, {6, 0, 3, 1, 2, 4, 5}},
	    {{{0, NULL, NULL, NULL}}, 0, {0, 1, 2, 3, 4, 5, 6}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint32_t order[COUNT(text)];

		for (uint32_t k = 0; k < COUNT(text); k++)
			order[k] = k;
		assert_int_equal(
		    sortkey_order(order, COUNT(text), cases[i].c, cases[i].n), 0);
		for (size_t k = 0; k < COUNT(text); k++)
			if (order[k] != cases[i].want[k])
				fail_msg("case %zu: place %zu is %u", i, k, order[k]);
	}
}

/* Stable, for every length about the powers of two. */
static void test_stable(void **state)
{
	static uint32_t order[MANY];
	static int64_t number[MANY];
	struct sort_column c = {.number = number};
	uint32_t r = 7;

	(void)state;
	for (size_t n = 1; n < MANY; n = n < 70 ? n + 1 : n * 3 / 2) {
		for (uint32_t i = 0; i < n; i++) {
			r = r * 1664525 + 1013904223;
			number[i] = (int64_t)(r >> 16) % 100;
			order[i] = i;
		}
		for (c.reverse = 0; c.reverse < 2; c.reverse++) {
			for (uint32_t i = 0; i < n; i++)
				order[i] = i;
			assert_int_equal(sortkey_order(order, n, &c, 1), 0);
			for (size_t i = 1; i < n; i++) {
				int64_t a = number[order[i - 1]], b = number[order[i]];

				assert_true(c.reverse ? a >= b : a <= b);
				assert_true(a != b || order[i - 1] < order[i]);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_columns),
	    cmocka_unit_test(test_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
