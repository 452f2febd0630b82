/* owner: numbers alone, and nothing that the kernel reads as "none". */
#include <errno.h>
#include <unistd.h>

#include "exact.h"

#include "owner.h"

static const struct {
	const char *text;
	int r;
	uid_t uid;
	gid_t gid;
} cases[] = {
    {"0:0", 0, 0, 0},
    {"7701:7702", 0, 7701, 7702},
    {"4294967294:4294967294", 0, 4294967294u, 4294967294u},
    {"4294967295:1", -1, 0, 0},
    {"1:4294967295", -1, 0, 0},
    {"", -1, 0, 0},
    {":", -1, 0, 0},
    {"1", -1, 0, 0},
    {"1:", -1, 0, 0},
    {":1", -1, 0, 0},
    {"1:2:3", -1, 0, 0},
    {"-1:1", -1, 0, 0},
    {"root:root", -1, 0, 0},
    {" 1:1", -1, 0, 0},
};

static void test_parse(void **state)
{
	static const struct owner none = OWNER_NONE;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct owner o = OWNER_NONE;

		assert_int_equal(owner_parse(&o, cases[i].text), cases[i].r);
		assert_int_equal(o.uid, cases[i].r == 0 ? cases[i].uid : none.uid);
		assert_int_equal(o.gid, cases[i].r == 0 ? cases[i].gid : none.gid);
	}
}

static void test_become(void **state)
{
	const struct owner root = {0, 0};
	const struct owner self = {getuid(), getgid()};
	const struct owner other = {getuid() + 1, getgid()};

	(void)state;
	errno = 0;
	assert_int_equal(owner_become(&root), -1);
	assert_int_equal(errno, EPERM);
	if (geteuid() == 0)
		return; /* becoming somebody is for good: tests/integration has it */
	assert_int_equal(owner_become(&self), 0);
	assert_int_equal(owner_become(&other), -1);
	assert_int_equal(errno, EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_become),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
