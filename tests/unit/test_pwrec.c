/* pwrec: records of the password table, and which password counts when. */
#include <errno.h>

#include "exact.h"

#include "authask.h"
#include "pwrec.h"

#define HASH "$argon2id$v=19$m=8,t=1,p=1$x$y"
#define R(s) s, sizeof(s) - 1

static const struct {
	const char *name;
	const char *value;
	size_t n;
	int r;
	size_t nhashes;
} records[] = {
    {"smallest", R("1\0001\0/h\0*\0\0\0\0"), 0, 1},
    {"usual", R("1000\000100\0/home/joe\0" HASH "\0\0\0\0"), 0, 1},
    {"with another",
     R("7\0007\0/h\0" HASH "\0\0\0\0" HASH "\0phone\0imap,smtp\0001999999999\0"), 0, 2},
    {"group 0", R("1\0000\0/h\0*\0\0\0\0"), 0, 1},
    {"empty", R(""), -1, 0},
    {"root", R("0\0001\0/h\0*\0\0\0\0"), -1, 0},
    {"root, longer", R("00\0001\0/h\0*\0\0\0\0"), -1, 0},
    {"the kernel's nobody", R("4294967295\0001\0/h\0*\0\0\0\0"), -1, 0},
    {"root by overflow", R("4294967296\0001\0/h\0*\0\0\0\0"), -1, 0},
    {"root by a wider overflow", R("18446744073709551616\0001\0/h\0*\0\0\0\0"), -1, 0},
    {"negative", R("-1\0001\0/h\0*\0\0\0\0"), -1, 0},
    {"no number", R("joe\0001\0/h\0*\0\0\0\0"), -1, 0},
    {"no gid", R("1\0\0/h\0*\0\0\0\0"), -1, 0},
    {"a relative home", R("1\0001\0h\0*\0\0\0\0"), -1, 0},
    {"no home", R("1\0001\0\0*\0\0\0\0"), -1, 0},
    {"a home of two lines", R("1\0001\0/h\n/i\0*\0\0\0\0"), -1, 0},
    {"no password", R("1\0001\0/h\0"), -1, 0},
    {"an empty hash", R("1\0001\0/h\0\0\0\0\0"), -1, 0},
    {"torn", R("1\0001\0/h\0*\0\0\0"), -1, 0},
    {"torn behind the first", R("1\0001\0/h\0*\0\0\0\0x"), -1, 0},
    {"no last NUL", R("1\0001\0/h\0*\0\0\0\0*\0\0\0007"), -1, 0},
    {"an end that is no time", R("1\0001\0/h\0*\0\0\0soon\0"), -1, 0},
    {"an end at 0", R("1\0001\0/h\0*\0\0\0000\0"), -1, 0},
    {"an end too far", R("1\0001\0/h\0*\0\0\0009223372036854775808\0"), -1, 0},
};

static void reads(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(records); i++) {
		char *p = exact(records[i].value, records[i].n);
		struct pwrec r;

		errno = 0;
		if (pwrec_get(&r, p, records[i].n) != records[i].r)
			fail_msg("%s", records[i].name);
		if (records[i].r == 0)
			assert_int_equal(r.nhashes, records[i].nhashes);
		else
			assert_int_equal(errno, EBADMSG);
		free(p);
	}
}

/* n passwords; the last label is long. */
static int read_many(size_t n, size_t label)
{
	char value[8192] = "1\0001\0/h";
	size_t len = 7;
	struct pwrec r;
	char *p;
	int got;

	for (size_t i = 0; i < n; i++) {
		memcpy(value + len, "*", 2);
		len += 2;
		if (i + 1 == n) {
			memset(value + len, 'l', label);
			len += label;
		}
		memcpy(value + len, "\0\0", 3);
		len += 3;
	}
	p = exact(value, len);
	got = pwrec_get(&r, p, len);
	free(p);
	return got;
}

static void has_limits(void **state)
{
	(void)state;
	assert_int_equal(read_many(PWREC_HASHES, 0), 0);
	assert_int_equal(read_many(PWREC_HASHES + 1, 0), -1);
	assert_int_equal(read_many(2, LIMIT_LABEL), 0);
	assert_int_equal(read_many(2, LIMIT_LABEL + 1), -1);
}

static const struct {
	const char *scopes;
	int64_t expires;
	const char *service;
	int64_t now;
	int r;
} uses[] = {
    {"", 0, "smtp", 100, 1},
    {"", 0, "", 100, 1},
    {"smtp", 0, "smtp", 100, 1},
    {"smtp", 0, "imap", 100, 0},
    {"smtp", 0, "smt", 100, 0},
    {"smtp", 0, "smtps", 100, 0},
    {"smtp", 0, "", 100, 0},
    {"imap,smtp", 0, "smtp", 100, 1},
    {"imap,smtp", 0, "imap", 100, 1},
    {"imap,smtp", 0, "pop3", 100, 0},
    {"imap,smtp", 0, "imap,smtp", 100, 0},
    {",", 0, "", 100, 0},
    {"", 101, "smtp", 100, 1},
    {"", 100, "smtp", 100, 0},
    {"", 99, "smtp", 100, 0},
    {"pop3", 101, "smtp", 100, 0},
};

static void knows_uses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(uses); i++) {
		struct pwrec_hash h = {"*", "l", uses[i].scopes, uses[i].expires};

		if (pwrec_is_for(&h, uses[i].service, uses[i].now) != uses[i].r)
			fail_msg("%s for %s", uses[i].scopes, uses[i].service);
	}
}

static const struct {
	const char *name;
	const char *key; /* NULL: none */
} names[] = {
    {"joe", "joe"},
    {"Joe@EXAMPLE.org", "joe@example.org"},
    {"j\xc3\xb6@example.org", "j\xc3\xb6@example.org"},
    {"joe+list@example.org", "joe+list@example.org"},
    {"", NULL},
    {"+joe", NULL},
    {"#joe", NULL},
    {"jo:e", NULL},
    {"jo e", NULL},
    {"jo\ne", NULL},
    {"jo\te", NULL},
    {"joe\x7f", NULL},
};

static void makes_keys(void **state)
{
	char key[LIMIT_LOGIN + 1];
	char longest[LIMIT_LOGIN + 2];

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		char *p = exact(names[i].name, strlen(names[i].name) + 1);
		int r = pwrec_key(p, key, sizeof key);

		assert_int_equal(r, names[i].key != NULL ? 0 : -1);
		if (r == 0)
			assert_string_equal(key, names[i].key);
		else
			assert_int_equal(errno, EINVAL);
		free(p);
	}
	memset(longest, 'a', sizeof longest);
	longest[LIMIT_LOGIN + 1] = '\0';
	assert_int_equal(pwrec_key(longest, key, sizeof key), -1);
	longest[LIMIT_LOGIN] = '\0';
	assert_int_equal(pwrec_key(longest, key, sizeof key), 0);
	assert_int_equal(pwrec_key(longest, key, sizeof key - 1), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads), cmocka_unit_test(has_limits),
	    cmocka_unit_test(knows_uses), cmocka_unit_test(makes_keys)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
