#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dsnparam.h"
#include "qfile.h"

static const struct {
	const char *value;
	unsigned notify; /* 0: refused */
} notifies[] = {
    {"NEVER", NOTIFY_NEVER},
    {"never", NOTIFY_NEVER},
    {"SUCCESS", NOTIFY_SUCCESS},
    {"failure,Delay", NOTIFY_FAILURE | NOTIFY_DELAY},
    {"DELAY,SUCCESS,FAILURE", NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY},
    {"", 0},
    {",", 0},
    {"SUCCESS,", 0},
    {",SUCCESS", 0},
    {"SUCCESS,SUCCESS", 0},
    {"NEVER,SUCCESS", 0},
    {"SUCCESS,NEVER", 0},
    {"NEVER,NEVER", 0},
    {"SUCCES", 0},
    {"SUCCESSS", 0},
    {"SUCCESS FAILURE", 0},
};

static void reads_notify(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof notifies / sizeof *notifies; i++) {
		char *value = strdup(notifies[i].value);
		char words[DSN_NOTIFY_SIZE];
		unsigned n = 0;
		unsigned again = 0;
		int r = dsn_notify(value, &n);

		if (r != (notifies[i].notify != 0 ? 0 : -1) ||
		    (r == 0 && n != notifies[i].notify))
			fail_msg("%s", value);
		if (r == 0) {
			assert_int_equal(dsn_notify(dsn_notify_words(n, words), &again),
					 0);
			assert_int_equal(again, n);
		}
		free(value);
	}
}

static const struct {
	const char *x;
	const char *plain; /* NULL: refused */
} xtexts[] = {
    {"", ""},
    {"QQ314159", "QQ314159"},
    {"a+20b", "a b"},
    {"+2B+3D", "+="},
    {"a@b.example", "a@b.example"},
    {"+", NULL},
    {"+2", NULL},
    {"+2b", NULL},
    {"+0A", NULL},
    {"+00", NULL},
    {"+7F", NULL},
    {"+E4", NULL},
    {"+GG", NULL},
    {"a=b", NULL},
    {"a b", NULL},
    {"a\tb", NULL},
    {"\xc3\xbc", NULL},
    {"+2\0"
     "0",
     NULL},
};

static void decodes_xtext(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof xtexts / sizeof *xtexts; i++) {
		char *x = strdup(xtexts[i].x);
		char out[40];
		int r = xtext_decode(out, sizeof out, x);

		if (r != (xtexts[i].plain != NULL ? 0 : -1) ||
		    (r == 0 && strcmp(out, xtexts[i].plain) != 0))
			fail_msg("%s", x);
		free(x);
	}
}

static void encodes_xtext(void **state)
{
	char out[40];
	char small[6];
	char back[40];

	(void)state;
	assert_int_equal(xtext_encode(out, sizeof out, "a b+c=d~"), 0);
	assert_string_equal(out, "a+20b+2Bc+3Dd~");
	assert_int_equal(xtext_decode(back, sizeof back, out), 0);
	assert_string_equal(back, "a b+c=d~");
	assert_int_equal(xtext_encode(out, sizeof out, "a\n"), -1);
	assert_int_equal(xtext_encode(out, sizeof out, "\xe4"), -1);
	assert_int_equal(xtext_encode(small, sizeof small, "abcd"), -1);
	assert_int_equal(xtext_encode(small, sizeof small, "ab"), 0);
	assert_int_equal(xtext_decode(small, sizeof small, "abcdef"), -1);
	assert_int_equal(xtext_decode(small, sizeof small, "abcde"), 0);
}

static void judges_the_rest(void **state)
{
	char value[LIMIT_ORCPT + 2];
	char ret;

	(void)state;
	assert_int_equal(dsn_ret("full", &ret), 0);
	assert_int_equal(ret, 'F');
	assert_int_equal(dsn_ret("HDRS", &ret), 0);
	assert_int_equal(ret, 'H');
	assert_int_equal(dsn_ret("", &ret), -1);
	assert_int_equal(dsn_ret("HDRSX", &ret), -1);
	memset(value, 'x', sizeof value);
	value[LIMIT_ENVID] = '\0';
	assert_int_equal(dsn_envid(value), 0);
	value[LIMIT_ENVID] = 'x';
	value[LIMIT_ENVID + 1] = '\0';
	assert_int_equal(dsn_envid(value), -1);
	assert_int_equal(dsn_envid(""), -1);
	assert_int_equal(dsn_envid("a+0Db"), -1);
	memset(value, 'x', sizeof value);
	memcpy(value, "rfc822;", 7);
	value[LIMIT_ORCPT] = '\0';
	assert_int_equal(dsn_orcpt(value), 0);
	value[LIMIT_ORCPT] = 'x';
	value[LIMIT_ORCPT + 1] = '\0';
	assert_int_equal(dsn_orcpt(value), -1);
	assert_int_equal(dsn_orcpt("rfc822;a@b"), 0);
	assert_int_equal(dsn_orcpt("x-400;a"), 0);
	assert_int_equal(dsn_orcpt("rfc822"), -1);
	assert_int_equal(dsn_orcpt("rfc822;"), -1);
	assert_int_equal(dsn_orcpt(";a@b"), -1);
	assert_int_equal(dsn_orcpt("rfc 822;a@b"), -1);
	assert_int_equal(dsn_orcpt("rfc822;a@b=c"), -1);
	assert_int_equal(dsn_orcpt("rfc822;a+0Ab"), -1);
}

static void makes_an_orcpt(void **state)
{
	char out[LIMIT_ORCPT + 1];
	char address[LIMIT_ADDRESS + 1];

	(void)state;
	assert_int_equal(dsn_orcpt_of("a+b@q.example", out), 0);
	assert_string_equal(out, "rfc822;a+2Bb@q.example");
	assert_int_equal(dsn_orcpt(out), 0);
	memset(address, '+', LIMIT_ADDRESS);
	address[LIMIT_ADDRESS] = '\0';
	assert_int_equal(dsn_orcpt_of(address, out), -1);
	assert_int_equal(dsn_orcpt_of("\xc3\xbc@q.example", out), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_notify),   cmocka_unit_test(decodes_xtext),
	    cmocka_unit_test(encodes_xtext),  cmocka_unit_test(judges_the_rest),
	    cmocka_unit_test(makes_an_orcpt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
