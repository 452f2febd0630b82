/* The words of IMAP's commands. */
#include "exact.h"

#include "../../qimapd/take.h"
#include "maildir/store.h"

struct row {
	const char *in;
	const char *out; /* NULL: no such word */
	size_t left;     /* bytes behind it */
};

static void try_text(const struct row *r, size_t n,
		     int (*take)(struct words *, struct text *))
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(r[i].in);
		char *in = exact(r[i].in, len);
		struct words w = {in, len, 0, 0};
		struct text t = {"?", 1};

		if (r[i].out == NULL) {
			assert_int_equal(take(&w, &t), -1);
			assert_int_equal(w.at, 0);
		} else {
			assert_int_equal(take(&w, &t), 0);
			assert_int_equal(len - w.at, r[i].left);
			assert_string_equal(t.p != NULL ? t.p : "(null)", r[i].out);
			assert_true(t.p == NULL || t.n == strlen(r[i].out));
		}
		free(in);
	}
	take_forget();
}

static void atoms(void **state)
{
	static const struct row rows[] = {
	    {"abc", "abc", 0},     {"abc def", "abc", 4}, {"a)b", "a", 2},
	    {"a]b", "a", 2},       {"a[1]", "a[1", 1},    {"", NULL, 0},
	    {" a", NULL, 0},       {"\"a\"", NULL, 0},    {"a\\b", "a", 2},
	    {"\xc3\xa4", NULL, 0}, {"a{1}", "a", 3}};

	(void)state;
	try_text(rows, COUNT(rows), take_atom);
}

static void astrings(void **state)
{
	static const struct row rows[] = {
	    {"a]b c", "a]b", 2},       {"\"a b\" c", "a b", 2},
	    {"\"\"", "", 0},           {"\"a\\\"b\\\\c\"x", "a\"b\\c", 1},
	    {"\"a\\\\\"", "a\\", 0},   {"\"a\\n\"", NULL, 0},
	    {"\"a", NULL, 0},          {"\"a\\\"", NULL, 0},
	    {"\"a\r\nb\"", NULL, 0},   {"\"\xc3\xa4\"", "\xc3\xa4", 0},
	    {"\"\xff\"", NULL, 0},     {"{3}\r\na\"bc", "a\"b", 1},
	    {"{3+}\r\nabc", "abc", 0}, {"{0}\r\n", "", 0},
	    {"{4}\r\nabc", NULL, 0},   {"{}\r\n", NULL, 0},
	    {"{3}abc", NULL, 0},       {"{99999999999999999999}\r\nabc", NULL, 0},
	    {"~{3}\r\nabc", "~", 8},   {"NIL", "NIL", 0}};

	(void)state;
	try_text(rows, COUNT(rows), take_astring);
}

static void nstrings(void **state)
{
	static const struct row rows[] = {{"nil", "(null)", 0},
					  {"NIL)", "(null)", 1},
					  {"NILS", NULL, 0},
					  {"\"NIL\"", "NIL", 0},
					  {"abc", NULL, 0}};

	(void)state;
	try_text(rows, COUNT(rows), take_nstring);
}

static void no_nul(void **state)
{
	static const char in[] = "{3}\r\na\0b";
	struct words w = {in, sizeof in - 1, 0, 0};
	struct text t;

	(void)state;
	assert_int_equal(take_astring(&w, &t), -1);
	assert_int_equal(w.at, 0);
	take_forget();
}

static void numbers(void **state)
{
	static const struct {
		const char *in;
		int r32, nz32, r64;
		uint64_t v;
	} rows[] = {{"0", 0, -1, 0, 0},
		    {"1", 0, 0, 0, 1},
		    {"4294967295", 0, 0, 0, UINT32_MAX},
		    {"4294967296", -1, -1, 0, 4294967296},
		    {"9223372036854775807", -1, -1, 0, INT64_MAX},
		    {"9223372036854775808", -1, -1, -1, 0},
		    {"18446744073709551617", -1, -1, -1, 0},
		    {"", -1, -1, -1, 0},
		    {"-1", -1, -1, -1, 0},
		    {"x", -1, -1, -1, 0}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t len = strlen(rows[i].in);
		char *in = exact(rows[i].in, len);
		struct words a = {in, len, 0, 0}, b = a, c = a;
		uint32_t n = 7, z = 7;
		uint64_t v = 7;

		assert_int_equal(take_u32(&a, &n), rows[i].r32);
		assert_int_equal(take_nz32(&b, &z), rows[i].nz32);
		assert_int_equal(take_u64(&c, &v), rows[i].r64);
		assert_true(rows[i].r32 == -1 || n == rows[i].v);
		assert_true(rows[i].nz32 == -1 || z == rows[i].v);
		assert_true(rows[i].r64 == -1 || v == rows[i].v);
		free(in);
	}
}

static void mailboxes(void **state)
{
	static const struct {
		const char *in, *out;
		int utf8;
	} rows[] = {{"inbox", "INBOX", 0},
		    {"\"a b\"", "a b", 0},
		    {"a&APw-b",
		     "a\xc3\xbc"
		     "b",
		     0},
		    {"a&APw-b", "a&APw-b", 1},
		    {"R&-D", "R&D", 0},
		    {"\"\xc3\xbc\"", "\xc3\xbc", 1},
		    {"../x", "", 0},
		    {"a/b", "", 0},
		    {"&AC8-", "", 0},
		    {"\"\"", "", 0},
		    {"a.", "a", 0}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct words w = {rows[i].in, strlen(rows[i].in), 0, rows[i].utf8};
		char name[FOLDER_NAME + 1] = "?";

		assert_int_equal(take_mailbox(&w, name), 0);
		assert_string_equal(name, rows[i].out);
		assert_true(words_end(&w));
	}
	take_forget();
}

static void flags(void **state)
{
	static const char in[] = "(\\seen $Forwarded $Junk \\DELETED a)";
	static const char *const none[] = {"(\\Recent)", "(\\Foo)", "(a", "()(",
					   "(a  b)",     "( a)",    "a",  "(a )"};
	struct words w = {in, sizeof in - 1, 0, 0};
	const char *keywords[BOX_KEYWORDS + 1];
	unsigned f;

	(void)state;
	assert_int_equal(take_flags(&w, &f, keywords), 0);
	assert_int_equal(f, MSG_SEEN | MSG_PASSED | MSG_DELETED);
	assert_string_equal(keywords[0], "$Junk");
	assert_string_equal(keywords[1], "a");
	assert_null(keywords[2]);
	for (size_t i = 0; i < COUNT(none); i++) {
		struct words x = {none[i], strlen(none[i]), 0, 0};

		assert_true(take_flags(&x, &f, keywords) == -1 || !words_end(&x));
	}
	take_forget();
}

static void arena_ends(void **state)
{
	(void)state;
	assert_null(take_keep(TAKE_ARENA + 1));
	for (int i = 0; i < 15; i++)
		assert_non_null(take_keep(1024 * 1024));
	assert_null(take_keep(2 * 1024 * 1024));
	take_forget();
	assert_non_null(take_keep(8 * 1024 * 1024));
	take_forget();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(atoms),    cmocka_unit_test(astrings),
	    cmocka_unit_test(nstrings), cmocka_unit_test(no_nul),
	    cmocka_unit_test(numbers),  cmocka_unit_test(mailboxes),
	    cmocka_unit_test(flags),    cmocka_unit_test(arena_ends)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
