#include "exact.h"

#include <iconv.h>
#include <stdio.h>
#include <unistd.h>

#include "mime/charset.h"
#include "mime/convert.h"
#include "sbuf.h"

#define BAD "\xef\xbf\xbd"

static const struct {
	const char *charset, *in;
	size_t n;
	const char *out;
} cases[] = {
#define CASE(charset, in, out)                  \
	{                                       \
		charset, in, sizeof in - 1, out \
	}
    CASE("us-ascii", "abc", "abc"),
    CASE("US-ASCII", "\xc3\xa4 \xe4", "\xc3\xa4 " BAD),
    CASE("UTF-8", "a\xe2\x82\xac\xf0\x9f\x98\x80z", "a\xe2\x82\xac\xf0\x9f\x98\x80z"),
    CASE("utf8",
	 "\xe2\x82"
	 "A\xc3",
	 BAD BAD "A" BAD),
    CASE("utf8", "\xc0\x80\xed\xa0\x80\xf5", BAD BAD BAD BAD BAD BAD),
    CASE("utf8", "\xe2\xe2\x82\xac", BAD "\xe2\x82\xac"),
    CASE("ISO-8859-1", "\xe4\x80", "\xc3\xa4\xe2\x82\xac"),
    CASE("iso_8859-1:1987", "\xe4", "\xc3\xa4"),
    CASE("latin2", "\xa1", "\xc4\x84"),
    CASE("ISO-8859-15", "\xa4", "\xe2\x82\xac"),
    CASE("windows-1251", "\xcf\xf0", "\xd0\x9f\xd1\x80"),
    CASE("x-cp1251", "\xcf", "\xd0\x9f"),
    CASE("windows-1252", "\x81", BAD),
    CASE("KOI8-R", "\xf0\xd2", "\xd0\x9f\xd1\x80"),
    CASE("csKOI8R", "\xf0", "\xd0\x9f"),
    CASE("koi8-u", "\xa4", "\xd1\x94"),
    CASE("cp866", "\x8f", "\xd0\x9f"),
    CASE("IBM437", "\x84", "\xc3\xa4"),
    CASE("850", "\x84", "\xc3\xa4"),
    CASE("macintosh", "\x8a", "\xc3\xa4"),
    CASE("tis-620", "\xa1", "\xe0\xb8\x81"),
    CASE("utf-16", "\0a\x20\xac", "a\xe2\x82\xac"),
    CASE("utf-16",
	 "\xff\xfe"
	 "a\0\xac\x20",
	 "a\xe2\x82\xac"),
    CASE("utf-16", "\xfe\xff\0a", "a"),
    CASE("utf-16le", "\x3d\xd8\0\xde", "\xf0\x9f\x98\x80"),
    CASE("utf-16be", "\xd8\x3d\xde\0", "\xf0\x9f\x98\x80"),
    CASE("utf-16be", "\xd8\x3d\0a", BAD "a"),
    CASE("utf-16be", "\xde\0\0", BAD BAD),
    CASE("utf-16be", "\xd8\x3d", BAD),
    CASE("utf-7", "Hi Mom -+Jjo--!", "Hi Mom -\xe2\x98\xba-!"),
    CASE("utf-7", "+ZeVnLIqe-", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"),
    CASE("utf-7", "1 +- 1 +AGE.", "1 + 1 a."),
    CASE("utf-7", "+2D3eAA-", "\xf0\x9f\x98\x80"),
    CASE("utf-7", "+2D0-x\xe4", BAD "x" BAD),
    CASE("iso-2022-jp", "\x1b$B\x46\x7c\x4b\x5c\x1b(B!", "\xe6\x97\xa5\xe6\x9c\xac!"),
    CASE("Shift_JIS", "\x93\xfa\x96{\xb1", "\xe6\x97\xa5\xe6\x9c\xac\xef\xbd\xb1"),
    CASE("euc-jp", "\xc6\xfc\xcb\xdc", "\xe6\x97\xa5\xe6\x9c\xac"),
    CASE("gb2312", "\xd6\xd0\xce\xc4", "\xe4\xb8\xad\xe6\x96\x87"),
    CASE("gbk", "\x81\x40", "\xe4\xb8\x82"),
    CASE("gb18030", "\x81\x30\x81\x30", "\xc2\x80"),
    CASE("big5", "\xa4\xa4\xa4\xe5", "\xe4\xb8\xad\xe6\x96\x87"),
    CASE("euc-kr", "\xc7\xd1\xb1\xdb", "\xed\x95\x9c\xea\xb8\x80"),
    CASE("euc-kr",
	 "a\xff"
	 "b\xc7",
	 "a" BAD "b" BAD),
};

/* Pieces of this size; 0: all at once. */
static void convert(struct charset c, const char *p, size_t n, size_t piece,
		    const char *want)
{
	struct sbuf out = SBUF_INIT(200000);

	for (size_t i = 0; i < n;) {
		size_t len = piece == 0 || piece > n - i ? n - i : piece;
		char *copy = exact(p + i, len);

		assert_int_equal(charset_add(&c, &out, copy, len), 0);
		free(copy);
		i += len;
	}
	assert_int_equal(charset_end(&c, &out), 0);
	if (strcmp(sbuf_str(&out), want) != 0)
		fail_msg("%s is not %s (pieces of %zu)", out.p, want, piece);
	sbuf_free(&out);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *name = cases[i].charset;

		for (size_t piece = 0; piece < 5; piece++) {
			struct charset c;

			if (!charset_open(&c, name, strlen(name))) {
				(void)fprintf(stderr, "skipped: %s\n", name);
				break;
			}
			convert(c, cases[i].in, cases[i].n, piece, cases[i].out);
		}
	}
}

static void test_unknown(void **state)
{
	static const char *const names[] = {"",
					    "-",
					    "x-unknown",
					    "unknown-8bit",
					    "default",
					    "iso-8859-12",
					    "cp1",
					    "windows-12511",
					    "0123456789012345678901234567890123456789a"};
	struct charset c;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		assert_int_equal(charset_open(&c, names[i], strlen(names[i])), 0);
}

/* Every byte of every table, as the system's library has it. */
static void test_tables(void **state)
{
	static const char *const names[] = {
	    "ISO-8859-2",  "ISO-8859-3",  "ISO-8859-4",  "ISO-8859-5",  "ISO-8859-6",
	    "ISO-8859-7",  "ISO-8859-9",  "ISO-8859-10", "ISO-8859-13", "ISO-8859-14",
	    "ISO-8859-15", "ISO-8859-16", "CP1250",      "CP1251",      "CP1252",
	    "CP1253",      "CP1254",      "CP1256",      "CP1257",      "KOI8-R",
	    "KOI8-U",      "CP437",       "CP850",       "CP852",       "CP866"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		iconv_t cd = iconv_open("UTF-8", names[i]);

		if (cd == (iconv_t)-1) {
			(void)fprintf(stderr, "skipped: %s\n", names[i]);
			continue;
		}
		for (int byte = 128; byte < 256; byte++) {
			char one = (char)byte, want[8] = "", *in = &one, *out = want;
			size_t n = 1, room = sizeof want - 1;
			struct charset c;

			(void)iconv(cd, NULL, NULL, NULL, NULL);
			if (iconv(cd, &in, &n, &out, &room) == (size_t)-1)
				(void)snprintf(want, sizeof want, "%s", BAD);
			assert_int_equal(charset_open(&c, names[i], strlen(names[i])), 1);
			convert(c, &one, 1, 0, want);
		}
		(void)iconv_close(cd);
	}
}

/* A child that is gone is replaced, but not for ever; the text in it ends where it is. */
static void test_converter(void **state)
{
	struct sbuf out = SBUF_INIT(200000);
	char *much = malloc(100000);
	struct charset a, b;

	(void)state;
	assert_non_null(much);
	memset(much, '\xa4', 100000);
	if (!charset_open(&a, "big5", 4))
		skip();
	assert_int_equal(charset_add(&a, &out, much, 33333), 0);
	assert_int_equal(charset_add(&a, &out, much, 33333), 0);
	assert_int_equal(charset_end(&a, &out), 0);
	assert_int_equal(out.len, 99999); /* 33,333 characters of three bytes */
	out.len = 0;
	assert_int_equal(charset_add(&a, &out, much, 100), 0);
	assert_int_equal(charset_open(&b, "big5", 4), 1);
	assert_int_equal(charset_add(&a, &out, much, 100), 0);
	assert_int_equal(out.len, 150);
	assert_int_equal(charset_add(&b, &out, much, 1), 0);
	assert_int_equal(charset_open(&a, "big5", 4), 1);
	assert_int_equal(charset_add(&a, &out, much, 2), 0);
	assert_int_equal(charset_end(&a, &out), 0);
	assert_int_equal(out.len, 153); /* without the half that b left */
	convert_stop();
	assert_int_equal(charset_add(&a, &out, much, 100), 0);
	assert_int_equal(out.len, 153);
	for (int i = 1; i < CONVERT_STARTS; i++) {
		assert_int_equal(charset_open(&a, "big5", 4), 1);
		convert_stop();
	}
	assert_int_equal(charset_open(&a, "big5", 4), 0);
	sbuf_free(&out);
	free(much);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_unknown),
	    cmocka_unit_test(test_tables),
	    cmocka_unit_test(test_converter),
	};

	(void)alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
