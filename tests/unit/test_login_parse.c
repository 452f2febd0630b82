/* The little of IMAP's grammar before a login, and POP3's lines. */
#include "exact.h"

#include "../../qimapd/login_parse.h"
#include "../../qpop3d/parse.h"

static const struct {
	const char *name, *line;
	int r;
	size_t n;
	int plus;
} literals[] = {
    {"none", "a NOOP", 0, 0, 0},
    {"smallest", "{0}", 1, 0, 0},
    {"plus", "a LOGIN {12+}", 1, 12, 1},
    {"zeros", "{000000000000007}", 1, 7, 0},
    {"nine digits", "{999999999}", 1, 999999999, 0},
    {"ten digits", "{4294967296}", 1, SIZE_MAX, 0},
    {"beyond 64 bits", "{18446744073709551617+}", 1, SIZE_MAX, 1},
    {"no number", "{}", 0, 0, 0},
    {"a plus alone", "{+}", 0, 0, 0},
    {"minus", "{-1}", 0, 0, 0},
    {"two pluses", "{1++}", 0, 0, 0},
    {"not at the end", "{1} ", 0, 0, 0},
    {"no beginning", "1}", 0, 0, 0},
    {"the end alone", "}", 0, 0, 0},
    {"empty", "", 0, 0, 0},
};

static void literal_at_the_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(literals); i++) {
		size_t n = strlen(literals[i].line);
		char *p = exact(literals[i].line, n);
		struct literal l = {0, 0};

		if (literal_at_end(&l, p, n) != literals[i].r)
			fail_msg("%s", literals[i].name);
		if (literals[i].r && (l.n != literals[i].n || l.plus != literals[i].plus))
			fail_msg("%s: %zu", literals[i].name, l.n);
		free(p);
	}
}

static const struct {
	const char *name, *text;
	size_t size;
	const char *want; /* NULL: -1 */
	const char *rest;
} astrings[] = {
    {"atom", "joe x", 20, "joe", " x"},
    {"atom with ]", "a]b", 20, "a]b", ""},
    {"UTF-8", "j\xc3\xb6 x", 20, "j\xc3\xb6", " x"},
    {"just fits", "abcd", 5, "abcd", ""},
    {"too long", "abcde", 5, NULL, ""},
    {"empty", "", 20, NULL, ""},
    {"list", "(a)", 20, NULL, ""},
    {"star", "*", 20, NULL, ""},
    {"quoted", "\"a b\" x", 20, "a b", " x"},
    {"quoted empty", "\"\"", 20, "", ""},
    {"quoted pairs", "\"\\\"\\\\\"", 20, "\"\\", ""},
    {"bad pair", "\"\\a\"", 20, NULL, ""},
    {"pair at the end", "\"\\", 20, NULL, ""},
    {"no end", "\"abc", 20, NULL, ""},
    {"quote alone", "\"", 20, NULL, ""},
    {"quoted just fits", "\"abcd\"", 5, "abcd", ""},
    {"quoted too long", "\"abcde\"", 5, NULL, ""},
    {"literal", "{3}\r\nabc x", 20, "abc", " x"},
    {"literal plus, empty", "{0+}\r\n", 20, "", ""},
    {"literal just fits", "{4}\r\nabcd", 5, "abcd", ""},
    {"literal too long", "{5}\r\nabcde", 5, NULL, ""},
    {"literal cut", "{5}\r\nabc", 20, NULL, ""},
    {"literal without its line", "{5}", 20, NULL, ""},
    {"literal with LF in it", "{3}\r\na\nb", 20, "a\nb", ""},
};

static void an_astring(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(astrings); i++) {
		size_t n = strlen(astrings[i].text);
		char *copy = exact(astrings[i].text, n);
		char *out = malloc(astrings[i].size);
		const char *p = copy;
		int r;

		assert_non_null(out);
		if (out == NULL) {
			free(copy);
			return;
		}
		r = command_astring(&p, &n, out, astrings[i].size);
		if (r != (astrings[i].want == NULL ? -1 : 0))
			fail_msg("%s", astrings[i].name);
		if (r == 0 && astrings[i].want != NULL &&
		    (strcmp(out, astrings[i].want) != 0 ||
		     n != strlen(astrings[i].rest) ||
		     memcmp(p, astrings[i].rest, n) != 0))
			fail_msg("%s: %s", astrings[i].name, out);
		free(out);
		free(copy);
	}
}

static const struct {
	const char *line;
	const char *verb;
	size_t nargs;
	const char *arg[2];
} lines[] = {
    {"STAT", "STAT", 0, {NULL, NULL}},          {"", "", 0, {NULL, NULL}},
    {"  retr \t 12 ", "retr", 1, {"12", NULL}}, {"TOP 1 2", "TOP", 2, {"1", "2"}},
    {"TOP 1 2 3", "TOP", 3, {"1", "2"}},        {"TOP 1 2 3 4 5 6", "TOP", 3, {"1", "2"}},
};

static void a_line_of_pop3(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		char *p = exact(lines[i].line, strlen(lines[i].line) + 1);
		struct pop3_line l;

		pop3_split(&l, p);
		assert_string_equal(l.verb, lines[i].verb);
		assert_int_equal(l.nargs, lines[i].nargs);
		for (size_t a = 0; a < l.nargs && a < POP3_ARGS; a++)
			assert_string_equal(l.arg[a], lines[i].arg[a]);
		free(p);
	}
}

static void a_number_of_pop3(void **state)
{
	static const char *const bad[] = {
	    "", "-1", "+1", "1x", " 1", "11", "4294967297", "18446744073709551617"};
	uint32_t n = 7;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(pop3_number(bad[i], 10, &n), -1);
	assert_int_equal(n, 7);
	assert_int_equal(pop3_number("0010", 10, &n), 0);
	assert_int_equal(n, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(literal_at_the_end),
	    cmocka_unit_test(an_astring),
	    cmocka_unit_test(a_line_of_pop3),
	    cmocka_unit_test(a_number_of_pop3),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
