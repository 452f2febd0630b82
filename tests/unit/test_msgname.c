/* name: what the name of a file says, and what it becomes when flags change. */
#include <errno.h>

#include "exact.h"
#include "maildir/name.h"

static void test_reads(void **state)
{
	static const struct {
		const char *name;
		int ok;
		size_t base, info;
		unsigned flags;
		int has_s, has_w;
		uint64_t s, w;
	} t[] = {
	    {"1.a", 0, 3, 3, 0, 0, 0, 0, 0},
	    {"1.a:2,", 0, 3, 3, 0, 0, 0, 0, 0},
	    {"1.a:2,DFPRST", 0, 3, 3, 63, 0, 0, 0, 0},
	    {"1.a:2,abSx", 0, 3, 3, MSG_SEEN, 0, 0, 0, 0},
	    {"1.a:1,S", 0, 3, 3, 0, 0, 0, 0, 0},
	    {"1.a,S=12,W=13:2,S", 0, 3, 13, MSG_SEEN, 1, 1, 12, 13},
	    {"1.a,W=13,U=7,S=12", 0, 3, 17, 0, 1, 1, 12, 13},
	    {"1.a,S=,W=x", 0, 3, 10, 0, 0, 0, 0, 0},
	    {"1.a,S=18446744073709551615", 0, 3, 26, 0, 1, 0, UINT64_MAX, 0},
	    {"1.a,S=18446744073709551616", 0, 3, 26, 0, 0, 0, 0, 0},
	    {"1.a,S=1,S=2", 0, 3, 11, 0, 1, 0, 1, 0},
	    {"1.a,,S=1", 0, 3, 8, 0, 1, 0, 1, 0},
	    {"1.a:2,S,T", 0, 3, 3, MSG_SEEN | MSG_DELETED, 0, 0, 0, 0},
	    {"", -1, 0, 0, 0, 0, 0, 0, 0},
	    {".", -1, 0, 0, 0, 0, 0, 0, 0},
	    {".nfs", -1, 0, 0, 0, 0, 0, 0, 0},
	    {":2,S", -1, 0, 0, 0, 0, 0, 0, 0},
	    {",S=1", -1, 0, 0, 0, 0, 0, 0, 0},
	    {"a/b", -1, 0, 0, 0, 0, 0, 0, 0},
	    {"a\nb", -1, 0, 0, 0, 0, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		char *name = exact(t[i].name, strlen(t[i].name) + 1);
		struct msg_name n;

		assert_int_equal(msg_name_read(&n, name), t[i].ok);
		if (t[i].ok == 0) {
			assert_int_equal(n.base, t[i].base);
			assert_int_equal(n.info, t[i].info);
			assert_int_equal(n.flags, t[i].flags);
			assert_int_equal(n.has_s, t[i].has_s);
			assert_int_equal(n.has_w, t[i].has_w);
			assert_true(n.s == t[i].s && n.w == t[i].w);
		}
		free(name);
	}
}

static void test_makes(void **state)
{
	static const struct {
		const char *name;
		unsigned flags;
		const char *want;
	} t[] = {
	    {"1.a", 0, "1.a:2,"},
	    {"1.a", MSG_SEEN, "1.a:2,S"},
	    {"1.a,S=1,U=2", MSG_SEEN | MSG_FLAGGED, "1.a,S=1,U=2:2,FS"},
	    {"1.a:2,S", 0, "1.a:2,"},
	    {"1.a:2,SF", MSG_SEEN | MSG_FLAGGED, "1.a:2,SF"},
	    {"1.a:2,Sab", MSG_SEEN | MSG_DELETED, "1.a:2,STab"},
	    {"1.a:2,ba", 63, "1.a:2,DFPRSTba"},
	    {"1.a:2,AZ", MSG_SEEN, "1.a:2,ASZ"},
	    {"1.a:2,SSS", MSG_FLAGGED, "1.a:2,F"},
	    {"1.a:1,x", 0, "1.a:1,x"},
	    {"1.a:1,x", MSG_SEEN, "1.a:2,S"},
	};
	char out[MSG_NAME + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		char *name = exact(t[i].name, strlen(t[i].name) + 1);

		assert_int_equal(msg_name_make(out, name, t[i].flags), 0);
		assert_string_equal(out, t[i].want);
		free(name);
	}
}

static void test_too_long(void **state)
{
	char name[MSG_NAME + 2];
	char out[MSG_NAME + 1];
	struct msg_name n;

	(void)state;
	memset(name, 'x', sizeof name);
	name[MSG_NAME + 1] = '\0';
	assert_int_equal(msg_name_read(&n, name), -1);
	name[MSG_NAME] = '\0';
	assert_int_equal(msg_name_read(&n, name), 0);
	assert_int_equal(msg_name_make(out, name, MSG_SEEN), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	name[MSG_NAME - 4] = '\0';
	assert_int_equal(msg_name_make(out, name, MSG_SEEN), 0);
	assert_int_equal(strlen(out), MSG_NAME);
}

/* What stands in a record: no info part. */
static void test_stems(void **state)
{
	static const struct {
		const char *stem;
		size_t base;
	} t[] = {{"1.a", 3},  {"1.a,S=1,W=2", 3}, {"1.a,", 3},  {"", 0},
		 {",S=1", 0}, {".a", 0},          {"a:2,S", 0}, {"a,b:", 0},
		 {"a/b", 0},  {"a,/", 0},         {"a\x1f", 0}, {"\xff ~", 3}};
	char longest[MSG_NAME + 1];
	char out[MSG_NAME + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		char *stem = exact(t[i].stem, strlen(t[i].stem));

		assert_int_equal(msg_name_base(stem, strlen(t[i].stem)), t[i].base);
		free(stem);
	}
	assert_int_equal(msg_name_base("a\0b", 3), 0);
	memset(longest, 'x', sizeof longest);
	assert_int_equal(msg_name_base(longest, MSG_NAME), MSG_NAME);
	assert_int_equal(msg_name_base(longest, MSG_NAME + 1), 0);
	assert_int_equal(msg_name_add(out, "1.a,S=1", 7, MSG_SEEN | MSG_FLAGGED), 0);
	assert_string_equal(out, "1.a,S=1:2,FS");
	assert_int_equal(msg_name_add(out, longest, MSG_NAME - 4, MSG_SEEN), 0);
	assert_int_equal(strlen(out), MSG_NAME);
	assert_int_equal(msg_name_add(out, longest, MSG_NAME - 3, MSG_SEEN), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reads),
	    cmocka_unit_test(test_stems),
	    cmocka_unit_test(test_makes),
	    cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
