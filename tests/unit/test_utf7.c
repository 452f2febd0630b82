#include "exact.h"

#include <errno.h>

#include "maildir/utf7.h"

enum { SIZE = 256 };

/* Both ways. */
static const struct {
	const char *seven;
	const char *eight;
} pairs[] = {
    {"", ""},
    {"Drafts", "Drafts"},
    {"a&-b", "a&b"},
    {"&-", "&"},
    {"&-&-", "&&"},
    {"&-AOQ-", "&AOQ-"},
    {"Entw&APw-rfe", "Entw\xc3\xbcrfe"},
    {"&AOQ-", "\xc3\xa4"},
    {"&AOQA9g-", "\xc3\xa4\xc3\xb6"},
    {"&AOQA9gD8-", "\xc3\xa4\xc3\xb6\xc3\xbc"},
    {"&AOQ--&APY-", "\xc3\xa4-\xc3\xb6"},
    {"&AOQ-&-&APY-", "\xc3\xa4&\xc3\xb6"},
    {"~peter/mail/&U,BTFw-/&ZeVnLIqe-", /* RFC 3501 5.1.3 */
     "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"},
    {"&2D3eAA-", "\xf0\x9f\x98\x80"},
    {"&2,,f,w-", "\xf4\x8f\xbf\xbf"},
    {"&2ADcAA-", "\xf0\x90\x80\x80"},
    {"&,,8-", "\xef\xbf\xbf"},
    {"&AAE-", "\x01"}, /* for store.h to refuse */
    {"&AH8-", "\x7f"},
    {"a+b,c/d", "a+b,c/d"},
};

static void test_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		char out[SIZE];
		char *in = exact(pairs[i].seven, strlen(pairs[i].seven));

		if (utf7_to_utf8(out, SIZE, in, strlen(pairs[i].seven)) == -1)
			fail_msg("not read: %s", pairs[i].seven);
		assert_string_equal(out, pairs[i].eight);
		free(in);
		in = exact(pairs[i].eight, strlen(pairs[i].eight));
		if (utf7_from_utf8(out, SIZE, in, strlen(pairs[i].eight)) == -1)
			fail_msg("not written: %s", pairs[i].seven);
		assert_string_equal(out, pairs[i].seven);
		free(in);
	}
}

static const struct {
	const char *what;
	const char *in;
	size_t n;
} bad7[] = {
    {"no end", "&AOQ", 4},
    {"loose &", "a&b", 3},
    {"& at the end", "a&", 2},
    {"8-bit byte", "\xc3\xa4", 2},
    {"control", "a\x01", 2},
    {"delete", "\x7f", 1},
    {"NUL", "a\0b", 3},
    {"NUL in base64", "&A\0Q-", 5},
    {"ASCII in base64", "&AGE-", 5},
    {"/ in base64", "&AC8-", 5},
    {". in base64", "&AC4ALg-", 8},
    {"& in base64", "&ACY-", 5},
    {"NUL as base64", "&AAA-", 5},
    {"slash as a digit", "&U/BTFw-", 8},
    {"padding", "&AOQ=-", 6},
    {"padding bits", "&AOR-", 5},
    {"eight bits too few", "&AO-", 4},
    {"six bits too many", "&AOQA-", 6},
    {"two shifts side by side", "&AOQ-&APY-", 10},
    {"first half alone", "&2D0-", 5},
    {"second half alone", "&3gA-", 5},
    {"halves in the wrong order", "&3gDYPQ-", 8},
    {"first half, then a letter", "&2D0A5A-", 8},
};

static void test_bad_utf7(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad7); i++) {
		char out[SIZE];
		char *in = exact(bad7[i].in, bad7[i].n);

		errno = 0;
		if (utf7_to_utf8(out, SIZE, in, bad7[i].n) != -1)
			fail_msg("read: %s", bad7[i].what);
		assert_int_equal(errno, EILSEQ);
		free(in);
	}
}

static const struct {
	const char *what;
	const char *in;
	size_t n;
} bad8[] = {
    {"cut", "\xc3", 1},
    {"cut in three", "\xe6\x97", 2},
    {"continuation alone", "\xa4", 1},
    {"letter for a continuation", "\xc3z", 2},
    {"two bytes for ASCII", "\xc0\xaf", 2},
    {"three for two", "\xe0\x82\xa0", 3},
    {"four for three", "\xf0\x82\x82\xac", 4},
    {"surrogate", "\xed\xa0\x80", 3},
    {"last surrogate", "\xed\xbf\xbf", 3},
    {"beyond", "\xf4\x90\x80\x80", 4},
    {"five bytes", "\xf8\x88\x80\x80\x80", 5},
    {"ff", "\xff", 1},
    {"NUL", "a\0", 2},
};

static void test_bad_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad8); i++) {
		char out[SIZE];
		char *in = exact(bad8[i].in, bad8[i].n);

		errno = 0;
		if (utf7_from_utf8(out, SIZE, in, bad8[i].n) != -1)
			fail_msg("written: %s", bad8[i].what);
		assert_int_equal(errno, EILSEQ);
		free(in);
	}
}

/* Every size that is too short says so, and writes nothing behind it. */
static void test_short_of_room(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		size_t n7 = strlen(pairs[i].seven);
		size_t n8 = strlen(pairs[i].eight);

		for (size_t size = 0; size <= n8 + 1; size++) {
			char *out = malloc(size > 0 ? size : 1);
			int r = utf7_to_utf8(out, size, pairs[i].seven, n7);

			assert_int_equal(r, size <= n8 ? -1 : 0);
			assert_true(r == 0 || errno == EMSGSIZE);
			free(out);
		}
		for (size_t size = 0; size <= n7 + 1; size++) {
			char *out = malloc(size > 0 ? size : 1);
			int r = utf7_from_utf8(out, size, pairs[i].eight, n8);

			assert_int_equal(r, size <= n7 ? -1 : 0);
			assert_true(r == 0 || errno == EMSGSIZE);
			free(out);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_ways),
	    cmocka_unit_test(test_bad_utf7),
	    cmocka_unit_test(test_bad_utf8),
	    cmocka_unit_test(test_short_of_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
