/* qtls: the words of a starter, its sessions, and names that a client asks for. */
#include <errno.h>

#include "exact.h"

#include "../../qtls/certs.h"
#include "../../qtls/crowd.h"
#include "../../qtls/doors.h"

static const struct {
	const char *given;
	const char *wanted;
} names[] = {
    {"mx.example", "mx.example"},
    {"MX.Example", "mx.example"},
    {"a-b_c.1", "a-b_c.1"},
    {"example.", "example."},
    {"", ""},
    {".hidden", ""},
    {"..", ""},
    {"../default", ""},
    {"a/b", ""},
    {"a\\b", ""},
    {"a b", ""},
    {"a\nb", ""},
    {"*.example", ""},
    {"\xc3\xa9.example", ""},
    {"\xff", ""},
};

static void takes_names(void **state)
{
	char out[LIMIT_DOMAIN + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		char *copy = exact(names[i].given, strlen(names[i].given) + 1);

		certs_name(out, copy);
		assert_string_equal(out, names[i].wanted);
		free(copy);
	}
}

static void takes_no_long_name(void **state)
{
	char long_name[LIMIT_DOMAIN + 2];
	char *copy;
	char out[LIMIT_DOMAIN + 1];

	(void)state;
	memset(long_name, 'a', sizeof long_name);
	long_name[LIMIT_DOMAIN + 1] = '\0';
	copy = exact(long_name, sizeof long_name);
	certs_name(out, copy);
	assert_string_equal(out, "");
	copy[LIMIT_DOMAIN] = '\0';
	certs_name(out, copy);
	assert_int_equal(strlen(out), LIMIT_DOMAIN);
	free(copy);
}

static const struct {
	const char *word;
	int wanted;
} words[] = {
    {"tls-server", 0},
    {"tls-server:0", 0},
    {"tls-server:61000,61001", 0},
    {"", -1},
    {":1", -1},
    {"../x", -1},
    {".x", -1},
    {"a/b", -1},
    {"a:", -1},
    {"a:x", -1},
    {"a:-1", -1},
    {"a:1,", -1},
    {"a:4294967295", -1}, /* nobody's: an error's */
    {"a:1,2,3,4,5,6,7,8", 0},
    {"a:1,2,3,4,5,6,7,8,9", -1},
    {"0123456789012345678901234567890123456789012345678901234567890123", -1},
};

static void reads_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		struct doors d = {.n = 0};

		if (doors_add(&d, words[i].word) != words[i].wanted)
			fail_msg("%s", words[i].word);
		assert_int_equal(d.n, words[i].wanted == 0);
		if (words[i].wanted == -1)
			assert_int_equal(errno, EINVAL);
	}
}

static void lets_in(void **state)
{
	struct doors d = {.n = 0};

	(void)state;
	assert_int_equal(doors_add(&d, "any"), 0);
	assert_int_equal(doors_add(&d, "some:5,7"), 0);
	assert_true(door_lets_in(&d.door[0], 6));
	assert_true(door_lets_in(&d.door[1], 7));
	assert_false(door_lets_in(&d.door[1], 6));
	assert_false(door_lets_in(&d.door[1], 0));
	while (d.n < DOORS_MAX)
		assert_int_equal(doors_add(&d, "more"), 0);
	assert_int_equal(doors_add(&d, "too-many"), -1);
}

static void counts(void **state)
{
	static struct crowd c;

	(void)state;
	for (int i = 0; i < CROWD_MAX; i++)
		assert_int_equal(crowd_add(&c, 1000 + i, (uid_t)(i % 3)), 0);
	assert_int_equal(crowd_add(&c, 1, 0), -1);
	assert_int_equal(crowd_of(&c, 2), CROWD_MAX / 3);
	assert_int_equal(crowd_of(&c, 9), 0);
	assert_true(crowd_remove(&c, 1002));
	assert_false(crowd_remove(&c, 1002));
	assert_int_equal(crowd_of(&c, 2), CROWD_MAX / 3 - 1);
	for (int i = 0; i < CROWD_MAX; i++)
		(void)crowd_remove(&c, 1000 + i);
	assert_int_equal(c.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_names), cmocka_unit_test(takes_no_long_name),
	    cmocka_unit_test(reads_words), cmocka_unit_test(lets_in),
	    cmocka_unit_test(counts),
	};

	return cmocka_run_group_tests_name("qtls", tests, NULL, NULL);
}
