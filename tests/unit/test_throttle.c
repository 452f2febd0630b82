/* throttle: who waits how long; whom it counts as one; that it forgets in time. */
#include <stdio.h>

#include "exact.h"

#include "../../qauth/throttle.h"

enum { MINUTE = THROTTLE_FORGIVE_MS };

static int64_t now = 1000000;

static struct throttle_key key_of(const char *client)
{
	struct throttle_key k;

	assert_int_equal(throttle_key(&k, client, "joe"), 1);
	return k;
}

static unsigned fail_once(const struct throttle_key *k)
{
	static unsigned n;
	char password[20];

	(void)snprintf(password, sizeof password, "wrong%u", n++);
	return throttle_failed(k, "joe", password, now);
}

static void fail_times(const struct throttle_key *k, unsigned n)
{
	while (n-- > 0)
		(void)fail_once(k);
}

static const struct {
	const char *a, *ua, *b, *ub;
	int same;
} pairs[] = {
    {"192.0.2.1", "x", "192.0.2.1", "y", 1},
    {"192.0.2.1", "x", "192.0.2.2", "x", 0},
    {"192.0.2.1", "x", "::ffff:192.0.2.1", "x", 1},
    {"2001:db8:1:2::1", "x", "2001:db8:1:2:ffff::1", "x", 1},
    {"2001:db8:1:2::1", "x", "2001:db8:1:3::1", "x", 0},
    {"127.0.0.1", "x", "127.0.0.1", "y", 0},
    {"127.0.0.1", "x", "127.9.9.9", "X", 1},
    {"::1", "x", "127.0.0.1", "x", 1},
    {"::ffff:127.0.0.1", "x", "::1", "y", 0},
    {"", "x", "unknown", "x", 1},
    {"", "x", "", "y", 0},
    {"192.0.2.1\n", "x", "192.0.2.1", "x", 0},
};

static void who_is_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		struct throttle_key a;
		struct throttle_key b;

		(void)throttle_key(&a, pairs[i].a, pairs[i].ua);
		(void)throttle_key(&b, pairs[i].b, pairs[i].ub);
		if ((memcmp(&a, &b, sizeof a) == 0) != pairs[i].same)
			fail_msg("%s %s, %s %s", pairs[i].a, pairs[i].ua, pairs[i].b,
				 pairs[i].ub);
	}
}

static void what_is_no_address(void **state)
{
	struct throttle_key k;

	(void)state;
	assert_int_equal(throttle_key(&k, "192.0.2.1", "x"), 1);
	assert_int_equal(throttle_key(&k, "::1", "x"), 1);
	assert_int_equal(throttle_key(&k, "192.0.2.1 ", "x"), 0);
	assert_int_equal(throttle_key(&k, "fe80::1%eth0", "x"), 0);
	assert_int_equal(throttle_key(&k, "", "x"), 0);
}

static void pauses_double(void **state)
{
	static const int64_t wanted[] = {0, 0, 0, 1000, 2000, 4000, 8000, 15000, 15000};
	struct throttle_key k = key_of("198.51.100.1");

	(void)state;
	for (size_t i = 0; i < COUNT(wanted); i++) {
		int64_t turn = throttle_turn(&k, now);

		assert_int_equal(turn - now, wanted[i]);
		now = turn;
		assert_int_equal(fail_once(&k), i + 1);
	}
}

/* However many ask at once, they are judged one after another, and few may wait. */
static void turns_are_apart(void **state)
{
	struct throttle_key k = key_of("198.51.100.2");

	(void)state;
	fail_times(&k, 6);
	assert_int_equal(throttle_turn(&k, now), now + 8000);
	assert_int_equal(throttle_turn(&k, now), now + 16000);
	assert_int_equal(throttle_turn(&k, now), -1);
	assert_int_equal(throttle_turn(&k, now + 5000), now + 24000);
}

static void a_minute_forgives_one(void **state)
{
	struct throttle_key k = key_of("198.51.100.3");

	(void)state;
	fail_times(&k, 5);
	now += 2 * MINUTE;
	assert_int_equal(throttle_failures(&k, now), 3);
	now += 10 * MINUTE;
	assert_int_equal(throttle_failures(&k, now), 0);
	assert_int_equal(throttle_turn(&k, now), now);
	assert_int_equal(fail_once(&k), 1);
}

static void counts_no_further(void **state)
{
	struct throttle_key k = key_of("198.51.100.4");

	(void)state;
	fail_times(&k, THROTTLE_COUNT + 1000);
	assert_int_equal(throttle_failures(&k, now), THROTTLE_COUNT);
	now += THROTTLE_COUNT * (int64_t)MINUTE;
	assert_int_equal(throttle_failures(&k, now), 0);
}

static void the_same_password_counts_once(void **state)
{
	struct throttle_key k = key_of("198.51.100.5");

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(throttle_failed(&k, "joe", "old", now), 1);
	assert_int_equal(throttle_failed(&k, "joe", "older", now), 2);
	assert_int_equal(throttle_failed(&k, "ann", "older", now), 3);
	assert_int_equal(throttle_failed(&k, "joe", "old", now), 4);
	/* where a name ends is not to be mistaken */
	assert_int_equal(throttle_failed(&k, "joeo", "ld", now), 5);
}

/* A hundred thousand addresses: who failed often is still known, the rest makes room. */
static void a_flood_of_addresses(void **state)
{
	struct throttle_key bad = key_of("198.51.100.6");
	char client[40];

	(void)state;
	fail_times(&bad, 8);
	for (unsigned i = 0; i < 100000; i++) {
		struct throttle_key k;

		(void)snprintf(client, sizeof client, "2001:db8:%x:%x::1", i >> 16,
			       i & 0xffff);
		k = key_of(client);
		assert_int_equal(fail_once(&k), 1);
	}
	assert_int_equal(throttle_failures(&bad, now), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_is_one),
	    cmocka_unit_test(what_is_no_address),
	    cmocka_unit_test(pauses_double),
	    cmocka_unit_test(turns_are_apart),
	    cmocka_unit_test(a_minute_forgives_one),
	    cmocka_unit_test(counts_no_further),
	    cmocka_unit_test(the_same_password_counts_once),
	    cmocka_unit_test(a_flood_of_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
