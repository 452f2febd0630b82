/* qremote/reply: what servers say, line by line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../qremote/reply.h"

/* Feed lines, each in a block of its exact size; the last result. */
static int feed(struct reply *r, const char *lines)
{
	int got = 0;

	reply_begin(r);
	while (*lines != '\0' && got == 0) {
		size_t n = strcspn(lines, "\n");
		char *line = malloc(n > 0 ? n : 1);

		memcpy(line, lines, n);
		got = reply_line(r, line, n);
		free(line);
		lines += n + (lines[n] == '\n');
	}
	return got;
}

static void reads_replies(void **state)
{
	static const struct {
		const char *lines;
		int want;
		const char *text;
	} row[] = {
	    {"250 ok", 1, "250 ok"},
	    {"250", 1, "250"},
	    {"250 ", 1, "250"},
	    {"250-a\n250-b\n250 c", 1, "250 a b c"},
	    {"550-5.1.1 no\n550 5.1.1 such user", 1, "550 5.1.1 no such user"},
	    {"550-5.1.1 no\n550 5.7.1 such user", 1, "550 5.1.1 no 5.7.1 such user"},
	    {"550-5.1. no\n550 5.1. such", 1, "550 5.1. no 5.1. such"},
	    {"250-a\n250 ", 1, "250 a"},
	    {"550 a\x1b[31mred\tx\x80", 1, "550 a?[31mred x?"},
	    {"250-a", 0, NULL},
	    {"250-a\n251 b", -1, NULL},
	    {"25", -1, NULL},
	    {"2500 x", -1, NULL},
	    {"2 0 x", -1, NULL},
	    {"650 x", -1, NULL},
	    {"050 x", -1, NULL},
	    {"hello", -1, NULL},
	    {"250_x", -1, NULL},
	};
	struct reply *r = malloc(sizeof *r);
	char text[LIMIT_TEXT + 1];

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		if (feed(r, row[i].lines) != row[i].want)
			fail_msg("%s", row[i].lines);
		if (row[i].text == NULL)
			continue;
		reply_text(r, text);
		assert_string_equal(text, row[i].text);
	}
	assert_int_equal(feed(r, ""), 0);
	assert_int_equal(reply_line(r, "", 0), -1);
	free(r);
}

static void limits_lines_and_text(void **state)
{
	static char line[LIMIT_REPLYLINE] = "250-";
	static char text[LIMIT_TEXT + 1];
	struct reply *r = malloc(sizeof *r);
	char arg[8];

	(void)state;
	memset(line + 4, 'x', sizeof line - 4);
	reply_begin(r);
	for (int i = 0; i < LIMIT_REPLYLINES; i++)
		assert_int_equal(reply_line(r, line, sizeof line), 0);
	assert_int_equal(reply_line(r, line, sizeof line), -1);
	assert_int_equal(r->len, LIMIT_REPLY);
	reply_text(r, text);
	assert_int_equal(strlen(text), LIMIT_TEXT);
	assert_int_equal(reply_has(r, "SIZE", arg, sizeof arg), 0);
	/* a reply of line ends alone fills the text as well */
	reply_begin(r);
	for (int i = 0; i < LIMIT_REPLYLINES; i++)
		assert_int_equal(reply_line(r, "250-", 4), 0);
	reply_text(r, text);
	assert_string_equal(text, "250");
	free(r);
}

static void finds_keywords(void **state)
{
	struct reply *r = malloc(sizeof *r);
	char arg[4];

	(void)state;
	assert_int_equal(feed(r, "250-SIZE 9\n250-pipelining\n250-SIZE 12345\n250-SIZEX\n"
				 "250 HELP"),
			 1);
	assert_int_equal(reply_has(r, "PIPELINING", arg, sizeof arg), 1);
	assert_string_equal(arg, "");
	assert_int_equal(reply_has(r, "SIZE", arg, sizeof arg), 1);
	assert_string_equal(arg, "123"); /* cut, and not the greeting's line */
	assert_int_equal(reply_has(r, "HELP", arg, sizeof arg), 1);
	assert_int_equal(reply_has(r, "HEL", arg, sizeof arg), 0);
	assert_int_equal(reply_has(r, "8BITMIME", arg, sizeof arg), 0);
	free(r);
}

static void finds_words(void **state)
{
	static const struct {
		const char *word;
		int want;
	} row[] = {
	    {"PLAIN", 1}, {"LOGIN", 1}, {"CRAM-MD5", 1}, {"CRAM", 0}, {"MD5", 0},
	    {"X", 0},     {"AUTH", 0},  {"NTLM", 0},     {"LAST", 1},
	};
	struct reply *r = malloc(sizeof *r);

	(void)state;
	assert_int_equal(feed(r, "250-AUTH X\n250-AUTHX NTLM\n250-auth  plain CRAM-MD5\n"
				 "250-AUTH\n250-AUTH=NTLM\n250 AUTH Login last"),
			 1);
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		if (reply_lists(r, "AUTH", row[i].word) != row[i].want)
			fail_msg("%s", row[i].word);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_replies),
	    cmocka_unit_test(limits_lines_and_text),
	    cmocka_unit_test(finds_keywords),
	    cmocka_unit_test(finds_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
