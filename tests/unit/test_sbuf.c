/* sbuf: grows to its limit and not over it; a failure changes nothing. */
#include <errno.h>
#include <unistd.h>

#include "exact.h"

#include "sbuf.h"

static void test_limit(void **state)
{
	(void)state;
	for (size_t max = 0; max < 300; max++) {
		struct sbuf b = SBUF_INIT(max);

		for (size_t i = 0; i < max; i++)
			assert_int_equal(sbuf_catc(&b, (char)('a' + i % 26)), 0);
		assert_int_equal(sbuf_catc(&b, 'x'), -1);
		assert_int_equal(errno, EMSGSIZE);
		assert_int_equal(b.len, max);
		assert_int_equal(strlen(sbuf_str(&b)), max);
		for (size_t i = 0; i < max; i++)
			assert_int_equal(b.p[i], 'a' + i % 26);
		sbuf_free(&b);
	}
}

static void test_failure_changes_nothing(void **state)
{
	struct sbuf b = SBUF_INIT(10);

	(void)state;
	assert_int_equal(sbuf_cats(&b, "12345678"), 0);
	assert_int_equal(sbuf_cats(&b, "abc"), -1);
	assert_int_equal(sbuf_catz(&b, "ab"), -1);
	assert_int_equal(sbuf_catu(&b, 123), -1);
	assert_int_equal(sbuf_catf(&b, "%d", 123), -1);
	assert_int_equal(sbuf_reserve(&b, 3), -1);
	assert_int_equal(sbuf_reserve(&b, SIZE_MAX), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_string_equal(sbuf_str(&b), "12345678");
	assert_int_equal(sbuf_cats(&b, "ab"), 0);
	assert_string_equal(sbuf_str(&b), "12345678ab");
	sbuf_free(&b);
}

static void test_forms(void **state)
{
	struct sbuf b = SBUF_INIT(1000);

	(void)state;
	assert_string_equal(sbuf_str(&b), "");
	assert_int_equal(sbuf_cat(&b, NULL, 0), 0);
	assert_int_equal(sbuf_catu(&b, 0), 0);
	assert_int_equal(sbuf_catu(&b, UINT64_MAX), 0);
	assert_int_equal(sbuf_catf(&b, "-%s-%03d", "x", 7), 0);
	assert_string_equal(sbuf_str(&b), "018446744073709551615-x-007");
	sbuf_clear(&b);
	assert_int_equal(sbuf_catz(&b, "a"), 0);
	assert_int_equal(sbuf_cat(&b, "\0b", 2), 0);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.p, "a\0\0b", 4);
	sbuf_free(&b);
	sbuf_free(&b);
}

/* A pipe gives less than was asked for. */
static void test_read(void **state)
{
	static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 9000};
	char bytes[9000];

	(void)state;
	memset(bytes, 'x', sizeof bytes);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct sbuf b = SBUF_INIT(2 + sizes[i]);
		int p[2];

		assert_int_equal(pipe(p), 0);
		assert_int_equal(write(p[1], bytes, sizes[i]), sizes[i]);
		assert_int_equal(close(p[1]), 0);
		assert_int_equal(sbuf_cats(&b, "ab"), 0);
		assert_int_equal(sbuf_read(&b, p[0]), 0);
		assert_int_equal(b.len, 2 + sizes[i]);
		assert_memory_equal(b.p, "ab", 2);
		assert_memory_equal(b.p + 2, bytes, sizes[i]);
		assert_int_equal(close(p[0]), 0);
		assert_int_equal(sbuf_read(&b, p[0]), -1);
		assert_int_equal(errno, EBADF);
		sbuf_free(&b);
	}
}

static void test_read_limit(void **state)
{
	struct sbuf b = SBUF_INIT(3);
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "abcd", 4), 4);
	assert_int_equal(close(p[1]), 0);
	assert_int_equal(sbuf_read(&b, p[0]), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(close(p[0]), 0);
	sbuf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_failure_changes_nothing),
	    cmocka_unit_test(test_forms),
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_read_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
