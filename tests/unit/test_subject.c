#include "exact.h"

#include "mime/subject.h"
#include "sbuf.h"

static const struct {
	const char *in, *out;
	int is_reply;
} cases[] = {
    {"", "", 0},
    {"   ", "", 0},
    {"Hello  \tWorld ", "HELLO WORLD", 0},
    {"Re: hello", "HELLO", 1},
    {"RE :hello", "HELLO", 1},
    {"re:Re: FW: fwd : hello", "HELLO", 1},
    {"Re[2]: hello", "HELLO", 1},
    {"re [list]: hello", "HELLO", 1},
    {"Real: hello", "REAL: HELLO", 0},
    {"Fwx: a", "FWX: A", 0},
    {"Re hello", "RE HELLO", 0},
    {"Re:", "", 1},
    {"[list] hello", "HELLO", 0},
    {"[a] [b][c] hello", "HELLO", 0},
    {"[a] re: [b] fwd: hello", "HELLO", 1},
    {"Re: [list] Re: hello", "HELLO", 1},
    {"[list]", "[LIST]", 0},
    {"[a][list] ", "[LIST]", 0},
    {"Re: [list]", "[LIST]", 1},
    {"[list hello", "[LIST HELLO", 0},
    {"[a[b] hello", "[A[B] HELLO", 0},
    {"hello (fwd)", "HELLO", 1},
    {"hello (FWD) (fwd)  ", "HELLO", 1},
    {"(fwd)", "", 1},
    {"[fwd: hello]", "HELLO", 1},
    {"[Fwd: [fwd: re: hello (fwd)]]", "HELLO", 1},
    {"[fwd:]", "", 1},
    {"[fwd: hello", "[FWD: HELLO", 0},
    {"hello [fwd: x]", "HELLO [FWD: X]", 0},
    {"=?utf-8?q?Re=3A?= =?utf-8?q?_caf=C3=A9?=", "CAFE\xcc\x81", 1},
    {"caf=?utf-8?q?e=CC=81?=", "CAFE\xcc\x81", 0},
    {"folded\r\n subject", "FOLDED SUBJECT", 0},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = strlen(cases[i].in);
		char *in = exact(cases[i].in, n);
		struct sbuf b = SBUF_INIT(10000);
		int is_reply = -1;

		assert_int_equal(sbuf_cats(&b, "before"), 0);
		assert_int_equal(subject_base(&b, in, n, &is_reply), 0);
		if (strcmp(sbuf_str(&b) + 6, cases[i].out) != 0 ||
		    is_reply != cases[i].is_reply)
			fail_msg("%s: %s, %d", cases[i].in, b.p + 6, is_reply);
		sbuf_free(&b);
		free(in);
	}
}

/* Much of everything that is looked for: linear. */
static void test_long(void **state)
{
	static const char *const parts[] = {
	    "[a]", "[", "re:", "[fwd:", "(fwd)", "re[", " "};
	enum { LONG = 1000000 };
	char *in = malloc(LONG);
	struct sbuf b = SBUF_INIT(4 * (size_t)LONG);

	(void)state;
	assert_non_null(in);
	for (size_t k = 0; k < COUNT(parts); k++) {
		size_t n = strlen(parts[k]);
		int is_reply;

		memset(in, ']', LONG);
		for (size_t i = 0; i + n <= LONG / 2; i += n)
			memcpy(in + i, parts[k], n);
		b.len = 0;
		assert_int_equal(subject_base(&b, in, LONG, &is_reply), 0);
	}
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
