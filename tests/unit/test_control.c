/* control: comments, blanks, limits, and errors that name file and line. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exact.h"

#include "control.h"
#include "paths.h"
#include "prog.h"
#include "qlimits.h"

static char home[] = "/tmp/test_control.XXXXXX";

static void put(const char *name, const char *text, size_t n)
{
	char path[LIMIT_PATH];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/control/%s", home, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(home) == NULL || paths_under(home) == -1 ||
		       mkdir(paths.control, 0755) == -1
		   ? -1
		   : 0;
}

static int teardown(void **state)
{
	char path[LIMIT_PATH];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/control/f", home);
	(void)unlink(path);
	(void)snprintf(path, sizeof path, "%s/control/me", home);
	(void)unlink(path);
	return rmdir(paths.control) == -1 ? -1 : rmdir(home);
}

static void test_list(void **state)
{
#define ROW(s, r, w)                  \
	{                             \
		s, sizeof s - 1, r, w \
	}
	static const struct {
		const char *text;
		size_t n;
		int result;
		const char *want; /* "line:text|" each, or the error */
	} row[] = {
	    ROW("", 0, ""),
	    ROW("\n\n", 0, ""),
	    ROW("# only\n", 0, ""),
	    ROW("a\n", 1, "1:a|"),
	    ROW("a", 1, "1:a|"),
	    ROW("a\nb\n", 1, "1:a|2:b|"),
	    ROW("# c\n\n  a  \t\n#b\nc # d\n", 1, "3:  a|5:c # d|"),
	    ROW("a\r\nb\r\n", 1, "1:a|2:b|"),
	    ROW("a\0b\n", -1, "control/f: line 1: a NUL byte"),
	    ROW("a\n\0", -1, "control/f: line 2: a NUL byte"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		struct control_item *list;
		char got[200] = "";
		char *p = exact(row[i].text, row[i].n);
		int r = control_parse("f", p, row[i].n, &list);

		assert_int_equal(r, row[i].result);
		free(p);
		for (struct control_item *c = list; r >= 0 && c->text != NULL; c++) {
			size_t n = strlen(got);

			(void)snprintf(got + n, sizeof got - n, "%u:%s|", c->line,
				       c->text);
		}
		assert_string_equal(r == -1 ? control_error() : got, row[i].want);
		if (r != -1)
			control_free_list(list);
	}
}

static void test_limits(void **state)
{
	char *big = malloc(LIMIT_CONTROL + 1);
	char *line;

	(void)state;
	memset(big, 'x', LIMIT_CONTROL + 1);
	put("f", big, LIMIT_CONTROLLINE);
	assert_int_equal(control_line("f", &line), 1);
	assert_int_equal(strlen(line), LIMIT_CONTROLLINE);
	free(line);
	put("f", big, LIMIT_CONTROLLINE + 1);
	assert_int_equal(control_line("f", &line), -1);
	assert_int_equal(errno, EMSGSIZE);
	for (size_t i = 99; i < LIMIT_CONTROL + 1; i += 100)
		big[i] = '\n';
	put("f", big, LIMIT_CONTROL + 1);
	assert_int_equal(control_line("f", &line), -1);
	assert_int_equal(errno, E2BIG);
	free(big);
}

static void test_num(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t want;
	} row[] = {
	    {"12\n", 1, 12},   {"# x\n7\n", 1, 7}, {"", 0, 99},        {"100\n", 1, 100},
	    {"101\n", -1, 99}, {"-1\n", -1, 99},   {"many\n", -1, 99}, {"1 2\n", -1, 99},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		uint64_t v = 99;

		put("f", row[i].text, strlen(row[i].text));
		assert_int_equal(control_num("f", 100, &v), row[i].result);
		assert_true(v == row[i].want);
	}
	assert_string_equal(control_error(), "control/f: line 1: not a number");
}

static void test_me(void **state)
{
	char *line;

	(void)state;
	assert_int_equal(control_line("none", &line), 0);
	assert_int_equal(control_line_or_me("none", &line), -1);
	assert_int_equal(errno, ENOENT);
	put("me", "host.example\n", 13);
	assert_int_equal(control_line_or_me("none", &line), 1);
	assert_string_equal(line, "host.example");
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_num),
	    cmocka_unit_test(test_me),
	};

	prog_init("test_control");
	return cmocka_run_group_tests(tests, setup, teardown);
}
