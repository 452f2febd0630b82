#include "exact.h"

#include "mime/words.h"
#include "sbuf.h"

static const struct {
	const char *in, *out;
} cases[] = {
    {"", ""},
    {"plain text = and =? more", "plain text = and =? more"},
    {"=?UTF-8?Q?a_=C3=A4?=", "a \xc3\xa4"},
    {"=?utf-8?b?w6Q=?=", "\xc3\xa4"},
    {"=?iso-8859-1?q?=E4?= x", "\xc3\xa4 x"},
    {"Re: =?iso-8859-1?q?=E4?=", "Re: \xc3\xa4"},
    /* RFC 2047 8 */
    {"(=?ISO-8859-1?Q?a?=)", "(a)"},
    {"(=?ISO-8859-1?Q?a?= b)", "(a b)"},
    {"(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"},
    {"(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)", "(ab)"},
    {"(=?ISO-8859-1?Q?a_b?=)", "(a b)"},
    {"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"},
    /* RFC 2231 5 */
    {"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"},
    {"=?utf-8*?Q?x?=", "x"},
    /* what people send */
    {"=?utf-8?q?=C3?= =?UTF-8?Q?=A4?=", "\xc3\xa4"},
    {"=?utf-8?q?=C3?= =?utf-8?B?pA==?=", "\xc3\xa4"},
    {"=?utf-8?q?=C3?==?utf-8?q?=A4?=", "\xc3\xa4"},
    {"=?utf-8?q?=C3?= =?iso-8859-1?q?=A4?=", "\xef\xbf\xbd\xc2\xa4"},
    {"=?utf-8?q?a b?= c", "a b c"},
    {"=?utf-8?q?a?b?=", "a?b"},
    {"=?utf-8?q?a=4?=", "a=4"},
    {"=?utf-8?q?=41=4?=", "A=4"},
    {"=?utf-8?q?=41?=", "A"},
    {"=?utf-8?q?\?=x", "x"},
    {"=?utf-8?b?YQ==YQ==?=", "aa"},
    {"=?utf-8?b?Y Q?=", "a"},
    {"=?utf-8?b?!?=", ""},
    {"x=?utf-8?q?a?=y", "xay"},
    {"=?nobody?q?a?= =?nobody?q?b?=", "=?nobody?q?a?= =?nobody?q?b?="},
    {"=?utf-8?q?a?= =?nobody?q?b?=", "a =?nobody?q?b?="},
    {"=?nobody?q?a?= =?utf-8?q?b?= =?utf-8?q?c?=", "=?nobody?q?a?= bc"},
    {"=?utf-8?x?a?=", "=?utf-8?x?a?="},
    {"=?utf-8?q?a", "=?utf-8?q?a"},
    {"=?utf-8?q?a?", "=?utf-8?q?a?"},
    {"=?utf-8?q", "=?utf-8?q"},
    {"=?\?q?a?=", "=?\?q?a?="},
    {"=?*en?q?a?=", "=?*en?q?a?="},
    {"=? utf-8?q?a?=", "=? utf-8?q?a?="},
    {"\xc3\xa4 raw", "\xc3\xa4 raw"},
    {"\xe4 raw \x80", "\xc3\xa4 raw \xe2\x82\xac"},
    {"folded\r\n text\n\tgoes on", "folded text\tgoes on"},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = strlen(cases[i].in);
		char *in = exact(cases[i].in, n);
		struct sbuf b = SBUF_INIT(10000);

		assert_int_equal(words_decode(&b, in, n), 0);
		if (strcmp(sbuf_str(&b), cases[i].out) != 0)
			fail_msg("%s: %s", cases[i].in, b.p);
		sbuf_free(&b);
		free(in);
	}
}

/* A long word, and much that looks like the beginning of one: linear. */
static void test_long(void **state)
{
	enum { LONG = 4000000 };
	char *in = malloc(LONG);
	struct sbuf b = SBUF_INIT(LONG);

	(void)state;
	assert_non_null(in);
	memset(in, 'a', LONG);
	memcpy(in, "=?utf-8?q?", 10);
	memcpy(in + LONG - 2, "?=", 2);
	assert_int_equal(words_decode(&b, in, LONG), 0);
	assert_int_equal(b.len, LONG - 12);
	memset(in, 'a', LONG);
	for (size_t i = 0; i + 11 <= LONG; i += 11)
		memcpy(in + i, "=?utf-8?q?a", 11);
	b.len = 0;
	assert_int_equal(words_decode(&b, in, LONG), 0);
	assert_int_equal(b.len, LONG);
	sbuf_free(&b);
	free(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
