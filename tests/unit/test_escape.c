/* escape: a line stays one line, whatever is put into it; cuts fall between escapes. */
#include "exact.h"

#include "escape.h"
#include "qlimits.h"

typedef size_t escaper(char *out, size_t size, const char *p, size_t n);

static void test_table(void **state)
{
	static const struct {
		escaper *f;
		const char *in;
		size_t n;
		const char *want;
	} row[] = {
	    {escape_log, "plain", 5, "plain"},
	    {escape_log, "", 0, ""},
	    {escape_log, "a b=\"c\"", 7, "a b=\"c\""},
	    {escape_log, "a\nb", 3, "a\\x0ab"},
	    {escape_log, "\\x0a", 4, "\\x5cx0a"},
	    {escape_log, "\0\x7f\xff", 3, "\\x00\\x7f\\xff"},
	    {escape_log, "\x1b[2J", 4, "\\x1b[2J"},
	    {escape_value, "", 0, "\"\""},
	    {escape_value, "a b=\"c\"", 7, "a\\x20b\\x3d\\x22c\\x22"},
	    {escape_text, "two\r\nlines\t", 11, "two  lines"},
	    {escape_text, "\0\x7f\xc3\xa4", 4, "????"},
	    {escape_text, "back\\slash", 10, "back\\slash"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		char *p = exact(row[i].in, row[i].n);
		char out[100];

		assert_int_equal(row[i].f(out, sizeof out, p, row[i].n),
				 strlen(row[i].want));
		assert_string_equal(out, row[i].want);
		free(p);
	}
}

static void test_every_size(void **state)
{
	static escaper *const all[] = {escape_log, escape_value, escape_text};
	char in[256];

	(void)state;
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (char)(i * 7);
	for (size_t f = 0; f < COUNT(all); f++)
		for (size_t size = 1; size < 600; size++) {
			char *out = exact(in, 0);
			size_t n;

			free(out);
			out = malloc(size);
			n = all[f](out, size, in, sizeof in);
			assert_true(n < size && n <= 4 * sizeof in);
			assert_int_equal(strlen(out), n);
			for (size_t i = 0; i < n; i++)
				assert_in_range(out[i], 0x20, 0x7e);
			if (all[f] != escape_text && memchr(out, '\\', n) != NULL)
				assert_true(strrchr(out, '\\') + 4 <= out + n);
			free(out);
		}
}

static void test_text_is_cut(void **state)
{
	char in[LIMIT_TEXT * 2];
	char out[sizeof in + 1];

	(void)state;
	memset(in, 'x', sizeof in);
	assert_int_equal(escape_text(out, sizeof out, in, sizeof in), LIMIT_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_every_size),
	    cmocka_unit_test(test_text_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
