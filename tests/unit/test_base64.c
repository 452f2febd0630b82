#include <errno.h>

#include "exact.h"

#include "base64.h"

/* RFC 4648 10, and every length of a group */
static const struct {
	const char *text;
	const char *coded;
} pairs[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xff\xfe\xfd", "//79"},
    {"\xfb\xef\xbe", "++++"},
};

static const struct {
	const char *name;
	const char *coded;
	int e;
} wrong[] = {
    {"cut", "Zg=", EBADMSG},
    {"no padding", "Zg", EBADMSG},
    {"one character", "Z", EBADMSG},
    {"padding alone", "====", EBADMSG},
    {"one and padding", "Z===", EBADMSG},
    {"padding inside", "Zg==Zm9v", EBADMSG},
    {"padding in the middle", "Z=g=", EBADMSG},
    {"blank", "Zm 9", EBADMSG},
    {"line end", "Zm9v\n", EBADMSG},
    {"URL alphabet", "-_-_", EBADMSG},
    {"8-bit", "Zm9\xf6", EBADMSG},
    {"bits that are not zero", "Zh==", EBADMSG},
    {"the same of two", "Zm9=", EBADMSG},
    {"a star", "*", EBADMSG},
    {"too long", "Zm9vYmFyYg==", EMSGSIZE},
};

static void both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		size_t n = strlen(pairs[i].text);
		size_t m = strlen(pairs[i].coded);
		char *text = exact(pairs[i].text, n);
		char *coded = exact(pairs[i].coded, m);
		char *out = malloc(m + 1);
		char *back = malloc(n + 1);
		size_t len;

		assert_int_equal(BASE64_LEN(n), m);
		assert_int_equal(base64_put(text, n, out, m + 1), 0);
		assert_string_equal(out, pairs[i].coded);
		assert_int_equal(base64_put(text, n, out, m), -1);
		assert_int_equal(base64_get(coded, m, back, n, &len), 0);
		assert_int_equal(len, n);
		assert_memory_equal(back, text, n);
		if (n > 0)
			assert_int_equal(base64_get(coded, m, back, n - 1, &len), -1);
		free(text);
		free(coded);
		free(out);
		free(back);
	}
}

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		size_t n = strlen(wrong[i].coded);
		char *coded = exact(wrong[i].coded, n);
		char out[6];
		size_t len;

		errno = 0;
		if (base64_get(coded, n, out, sizeof out, &len) != -1)
			fail_msg("%s is taken", wrong[i].name);
		assert_int_equal(errno, wrong[i].e);
		free(coded);
	}
}

/* A NUL is no character of it, wherever it stands. */
static void refuses_nul(void **state)
{
	char out[3];
	size_t len;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char coded[4] = {'Z', 'm', '9', 'v'};

		coded[i] = '\0';
		assert_int_equal(base64_get(coded, 4, out, sizeof out, &len), -1);
	}
}

static void every_byte(void **state)
{
	unsigned char all[256];
	unsigned char back[256];
	char coded[BASE64_LEN(256) + 1];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof all; i++)
		all[i] = (unsigned char)i;
	assert_int_equal(base64_put(all, sizeof all, coded, sizeof coded), 0);
	assert_int_equal(base64_get(coded, strlen(coded), back, sizeof back, &len), 0);
	assert_int_equal(len, sizeof all);
	assert_memory_equal(all, back, sizeof all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_ways),
	    cmocka_unit_test(refuses),
	    cmocka_unit_test(refuses_nul),
	    cmocka_unit_test(every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
