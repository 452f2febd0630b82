/* qid: ids sort like their times; what is no id is refused. rnd: an even distribution. */
#include <errno.h>

#include "exact.h"

#include "qid.h"
#include "rnd.h"

static void test_order(void **state)
{
	static const uint64_t ns[] = {0,
				      1,
				      61,
				      62,
				      1000000000,
				      1763726400000000000,
				      1763726400000000001,
				      UINT64_MAX / 2,
				      UINT64_MAX};
	char before[QID_LEN + 1] = "";

	(void)state;
	for (size_t i = 0; i < COUNT(ns); i++) {
		char id[QID_LEN + 1];
		uint64_t back;

		qid_make(id, ns[i], UINT32_MAX * (i % 2));
		assert_int_equal(strlen(id), QID_LEN);
		assert_int_equal(qid_parse(id, &back), 0);
		assert_true(back == ns[i]);
		assert_true(strcmp(before, id) < 0);
		memcpy(before, id, sizeof before);
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = {"",
					  "28cKHvPncUP2IdY3",
					  "28cKHvPncUP2IdY3l0",
					  "28cKHvPncUP2IdY3-",
					  "28cKHvPncUP2IdY3/",
					  "../../../../etc/x",
					  "28cKHvPncUP2IdY3 ",
					  "zzzzzzzzzzz000000", /* over 64 bits */
					  "28cKHvPncUPzzzzzz", /* over 32 bits */
					  "................."};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		char *p = exact(bad[i], strlen(bad[i]) + 1);
		uint64_t ns;

		assert_int_equal(qid_parse(p, &ns), -1);
		assert_int_equal(errno, EINVAL);
		free(p);
	}
}

static void test_below(void **state)
{
	enum { FACES = 6, THROWS = 60000 };
	unsigned seen[FACES] = {0};

	(void)state;
	for (int i = 0; i < THROWS; i++)
		seen[rnd_below(FACES)]++;
	/* ten standard deviations (91) to each side */
	for (int i = 0; i < FACES; i++)
		assert_in_range(seen[i], THROWS / FACES - 910, THROWS / FACES + 910);
	assert_int_equal(rnd_below(1), 0);
	for (int i = 0; i < 1000; i++)
		assert_true(rnd_below(UINT32_MAX) < UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
