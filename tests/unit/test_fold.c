#include "exact.h"

#include <errno.h>

#include "mime/fold.h"

static const struct {
	const char *in, *out;
} folds[] = {
    {"", ""},
    {"Hello, World! @[`{", "HELLO, WORLD! @[`{"},
    {"abcdefghijklmnopqrstuvwxyz0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"},
    {"\xc3\xa9", "E\xcc\x81"},  /* é */
    {"e\xcc\x81", "E\xcc\x81"}, /* e and an accent */
    {"\xc3\x89t\xc3\xa9", "E\xcc\x81TE\xcc\x81"},
    {"stra\xc3\x9f"
     "e",
     "STRA\xe1\xba\x9e"
     "E"},
    {"\xcf\x83\xcf\x82\xce\xa3", "\xce\xa3\xce\xa3\xce\xa3"}, /* all the sigmas */
    {"\xd0\xb6", "\xd0\x96"},                                 /* zhe */
    {"\xef\xac\x81", "FI"},                                   /* a ligature */
    {"\xef\xbc\xa1", "A"},                                    /* of full width */
    {"\xc7\x84", "DZ\xcc\x8c"},                               /* RFC 5051's example */
    {"\xff"
     "a\xe2\x82",
     "\xef\xbf\xbd"
     "A\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
};

static void test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(folds); i++) {
		size_t n = strlen(folds[i].in);
		char *in = exact(folds[i].in, n);
		struct sbuf b = SBUF_INIT(1000);

		assert_int_equal(fold_text(&b, in, n), 0);
		assert_string_equal(sbuf_str(&b), folds[i].out);
		sbuf_free(&b);
		free(in);
	}
}

static const struct {
	const char *needle, *text;
	int in;
} finds[] = {
    {"", "", 1},
    {"", "abc", 1},
    {"a", "", 0},
    {"a", "xxA", 1},
    {"A", "a", 1},
    {"hello", "say HeLLo to them", 1},
    {"hello", "hello", 1},
    {"hello", "hell", 0},
    {"hello", "hellO", 1},
    {"hello", "help hellp hello", 1},
    {"hello", "help hellp hellp", 0},
    {"@b", "`B", 0}, /* alike but for a bit */
    {"[", "{", 0},
    {"strasse", "12345678 STRASSE 1", 1},
    {"\xc3\xa9t\xc3\xa9", "un E\xcc\x81T\xc3\x89", 1},
    {"cafe", "Caf\xc3\xa9", 1},
    {"caf\xc3\xa9", "cafe", 0},
    {"fin", "o\xef\xac\x81n", 1},
    {"abc",
     "\xff"
     "ab\xff"
     "ABC",
     1},
    {"\xd0\xbc\xd0\xb8\xd1\x80", "\xd0\x9c\xd0\x98\xd0\xa0", 1},
    {"aab", "aaaaaaaaaaaaaaaaaaab", 1},
    {"a\xcc\x81", "123456789012345678901234567890 \xc3\xa1", 1},
};

static void test_find(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(finds); i++) {
		size_t n = strlen(finds[i].text);
		char *text = exact(finds[i].text, n);
		struct needle k;

		assert_int_equal(
		    needle_init(&k, finds[i].needle, strlen(finds[i].needle)), 0);
		if (needle_in(&k, text, n) != finds[i].in)
			fail_msg("%s in %s", finds[i].needle, finds[i].text);
		needle_free(&k);
		free(text);
	}
}

/* At every place of texts of every length, in ASCII and not. */
static void test_places(void **state)
{
	static const char *const heads[] = {"", "\xc3\xa4", "\xf0\x9f\x98\x80"};
	struct needle k;

	(void)state;
	assert_int_equal(needle_init(&k, "Needle", 6), 0);
	for (size_t h = 0; h < COUNT(heads); h++)
		for (size_t n = 6; n < 40; n++)
			for (size_t at = 0; at + 6 <= n; at++) {
				size_t head = strlen(heads[h]);
				char *text = malloc(head + n);

				assert_non_null(text);
				memcpy(text, heads[h], head);
				memset(text + head, 'n', n);
				memcpy(text + head + at, "nEEdle", 6);
				assert_int_equal(needle_in(&k, text, head + n), 1);
				text[head + at + 5] = 'x';
				assert_int_equal(needle_in(&k, text, head + n), 0);
				free(text);
			}
	needle_free(&k);
}

/* Over the edges of the window in which a long text is folded. */
static void test_long(void **state)
{
	enum { LONG = 50000, WORD = 300 };
	char *text = malloc(LONG), word[WORD];
	struct needle k;

	(void)state;
	assert_non_null(text);
	memset(word, 'z', WORD);
	memcpy(word, "\xc3\xa9", 2);
	assert_int_equal(needle_init(&k, word, WORD), 0);
	for (size_t at = 2; at + WORD <= LONG; at += 1 + at % 7) {
		memset(text, 'e', LONG);
		memcpy(text, "\xc3\xa4", 2); /* folding begins here */
		memcpy(text + at, word, WORD);
		assert_int_equal(needle_in(&k, text, LONG), 1);
	}
	needle_free(&k);
	free(text);
}

static void test_limits(void **state)
{
	char *text = malloc(NEEDLE_MAX + 1);
	struct sbuf b = SBUF_INIT(300);
	struct needle k;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', NEEDLE_MAX + 1);
	assert_int_equal(needle_init(&k, text, NEEDLE_MAX), 0);
	assert_int_equal(needle_in(&k, text, NEEDLE_MAX), 1);
	needle_free(&k);
	assert_int_equal(needle_init(&k, text, NEEDLE_MAX + 1), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(fold_text(&b, "abc", 3), 0);
	assert_int_equal(fold_text(&b, text, 400), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(b.len, 3);
	sbuf_free(&b);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),   cmocka_unit_test(test_find),
	    cmocka_unit_test(test_places), cmocka_unit_test(test_long),
	    cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
