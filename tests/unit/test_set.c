/* Sequence sets (qimapd/set.h). */
#include "../../qimapd/set.h"

#include "exact.h"

#include "../../qimapd/session.h"
#include "sbuf.h"

static const struct {
	const char *text;
	uint32_t last;
	const char *wanted; /* NULL: refused */
	size_t rest;        /* bytes that are left */
} sets[] = {
    {"1", 9, "1", 0},
    {"4294967295", 9, "4294967295", 0},
    {"1:3", 9, "1:3", 0},
    {"3:1", 9, "1:3", 0},
    {"1,2,3", 9, "1:3", 0},
    {"3,2,1", 9, "1:3", 0},
    {"5,1:2,9", 9, "1:2,5,9", 0},
    {"1:5,2:3", 9, "1:5", 0},
    {"2:3,1:5", 9, "1:5", 0},
    {"1:2,4:5,3", 9, "1:5", 0},
    {"*", 9, "9", 0},
    {"*", 0, "4294967295", 0},
    {"12:*", 9, "9:12", 0},
    {"*:4", 9, "4:9", 0},
    {"1:*,1:*,1:*,*:1", 9, "1:9", 0},
    {"4294967290:4294967295,1", 9, "1,4294967290:4294967295", 0},
    {"4294967295,4294967295:1", 9, "1:4294967295", 0},
    {"1 (FLAGS)", 9, "1", 8},
    {"$", 9, "10:12,20", 0},
    {"$ FLAGS", 9, "10:12,20", 6},
    {"", 9, NULL, 0},
    {"0", 9, NULL, 1},
    {"1:0", 9, NULL, 3},
    {"1,0", 9, NULL, 3},
    {"01", 9, NULL, 2},
    {"1,", 9, NULL, 2},
    {",1", 9, NULL, 2},
    {"1:", 9, NULL, 2},
    {":1", 9, NULL, 2},
    {"4294967296", 9, NULL, 10},
    {"18446744073709551617", 9, NULL, 20},
    {"1:18446744073709551617", 9, NULL, 22},
    {"-1", 9, NULL, 2},
    {"a", 9, NULL, 1},
};

static void reads(void **state)
{
	(void)state;
	assert_int_equal(set_add(&session.saved, 10, 12), 0);
	assert_int_equal(set_add(&session.saved, 20, 20), 0);
	for (size_t i = 0; i < COUNT(sets); i++) {
		size_t n = strlen(sets[i].text);
		char *p = exact(sets[i].text, n);
		struct words w = {p, n, 0, 0};
		struct set s = {0};
		struct sbuf out = SBUF_INIT(1000);
		int r = set_read(&s, &w, sets[i].last);

		if (r != (sets[i].wanted != NULL ? 0 : -1) || w.n - w.at != sets[i].rest)
			fail_msg("%s: %d, left %zu", sets[i].text, r, w.n - w.at);
		assert_int_equal(set_cat(&out, &s), 0);
		if (r == 0)
			assert_string_equal(sbuf_str(&out), sets[i].wanted);
		sbuf_free(&out);
		set_free(&s);
		free(p);
	}
	set_free(&session.saved);
}

static void has(void **state)
{
	static const uint32_t in[] = {2, 3, 4, 9, UINT32_MAX};
	static const uint32_t out[] = {0, 1, 5, 8, 10, UINT32_MAX - 1};
	struct set s = {0};

	(void)state;
	assert_false(set_has(&s, 1));
	assert_int_equal(set_add(&s, UINT32_MAX, UINT32_MAX), 0);
	assert_int_equal(set_add(&s, 9, 9), 0);
	assert_int_equal(set_add(&s, 4, 2), 0);
	set_sort(&s);
	for (size_t i = 0; i < COUNT(in); i++)
		assert_true(set_has(&s, in[i]));
	for (size_t i = 0; i < COUNT(out); i++)
		assert_false(set_has(&s, out[i]));
	set_free(&s);
}

/* Numbers in any order are the same set as a table of bits. */
static void as_bits(void **state)
{
	uint32_t x = 1;

	(void)state;
	for (int turn = 0; turn < 200; turn++) {
		char bits[64] = {0};
		struct set s = {0};

		for (int k = 0; k < turn % 30; k++) {
			uint32_t lo, hi;

			x = x * 1664525 + 1013904223;
			lo = (x >> 16) % 64;
			hi = lo + (x >> 24) % 4;
			if (hi > 63)
				hi = 63;
			memset(bits + lo, 1, hi - lo + 1);
			assert_int_equal(set_add(&s, hi, lo), 0);
		}
		set_sort(&s);
		for (uint32_t n = 0; n < 64; n++)
			assert_int_equal(set_has(&s, n), bits[n]);
		for (size_t k = 1; k < s.n; k++)
			assert_true(s.r[k].lo > s.r[k - 1].hi + 1);
		set_free(&s);
	}
}

/* A set has a limit, and meets it with an error. */
static void limit(void **state)
{
	struct set s = {0};
	uint32_t n = 1;

	(void)state;
	while (set_add(&s, n, n) == 0)
		n += 2;
	assert_int_equal(s.n, SET_RANGES);
	assert_int_equal(n, 2 * SET_RANGES + 1);
	set_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads),
	    cmocka_unit_test(has),
	    cmocka_unit_test(as_bits),
	    cmocka_unit_test(limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
