#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../qlocal/dotline.h"

/* What a dot-file says, as one line: a letter for each item and its text. */
struct dot_case {
	const char *name;
	const char *in;
	const char *want; /* NULL: refused */
};

static const struct dot_case cases[] = {
    {"empty", "", ""},
    {"comment", "# away\n", ""},
    {"only comments", "#\n#\n", ""},
    {"program", "|procmail -t\n", "P procmail -t;"},
    {"program keeps leading blanks", "| cat\n", "P  cat;"},
    {"empty program", "|\n", "P ;"},
    {"ampersand", "&me@example.org\n", "F me@example.org;"},
    {"ampersand, blanks", "&  me@example.org \t\n", "F me@example.org;"},
    {"letter", "me@example.org\n", "F me@example.org;"},
    {"digit", "1me@example.org\n", "F 1me@example.org;"},
    {"no domain", "root\n", "F root;"},
    {"8-bit address", "&\xc3\xa4@x\n", "F \xc3\xa4@x;"},
    {"mbox", "./Mailbox\n", "X ./Mailbox;"},
    {"mbox, absolute", "/var/mail/me\n", "X /var/mail/me;"},
    {"maildir", "./Maildir/\n", "M ./Maildir/;"},
    {"maildir, absolute", "/srv/mail/me/\n", "M /srv/mail/me/;"},
    {"dot without slash", ".mbox\n", "X .mbox;"},
    {"trailing blanks", "./Maildir/ \t \n", "M ./Maildir/;"},
    {"CR LF", "./Maildir/\r\n&a@x\r\n", "M ./Maildir/;F a@x;"},
    {"no line end", "&a@x\n./Mailbox", "F a@x;X ./Mailbox;"},
    {"order", "|a\n./b\n&c\n", "P a;X ./b;F c;"},
    {"blank line later", "&a\n\n&b\n", "F a;F b;"},
    {"blanks line later", "&a\n \t\n&b\n", "F a;F b;"},
    {"other plus words", "+nothing\n./x\n", "X ./x;"},
    {"+list then forward", "+list\n&a\n", "F a;"},
    {"first line blank", "\n&a\n", NULL},
    {"first line blanks", "  \n&a\n", NULL},
    {"+list then program", "+list\n|a\n", NULL},
    {"+list then maildir", "+list\n./a/\n", NULL},
    {"leading blank", " &a\n", NULL},
    {"backslash", "\\me\n", NULL},
    {"tilde", "~/mail\n", NULL},
    {"quote", "\"|vacation me\"\n", NULL},
    {"ampersand alone", "&\n", NULL},
    {"ampersand and blanks", "&  \n", NULL},
    {"control byte", "&a\001b@x\n", NULL},
    {"error after good lines", "./Maildir/\n\\me\n", NULL},
};

static void render(const struct dot_list *l, char *out, size_t size)
{
	static const char letters[] = "MXPFDR";
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < l->n; i++)
		n += (size_t)snprintf(out + n, size - n, "%c %s;",
				      letters[l->items[i].kind], l->items[i].text);
}

static int parse(struct dot_list *l, const char *in, size_t n)
{
	char *copy = malloc(n + 1); /* exact: p[n] may be written, p[n + 1] not */
	int r;

	assert_non_null(copy);
	memcpy(copy, in, n);
	dot_init(l);
	r = dot_parse(l, copy, n);
	free(copy);
	return r;
}

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dot_list l;
		char got[512];
		int r = parse(&l, cases[i].in, strlen(cases[i].in));

		render(&l, got, sizeof got);
		if (r != (cases[i].want != NULL ? 0 : -1) ||
		    (cases[i].want != NULL && strcmp(got, cases[i].want) != 0))
			fail_msg("%s: %d, %s", cases[i].name, r, got);
		if (r == -1)
			assert_true(strncmp(l.error, "line ", 5) == 0);
		dot_free(&l);
	}
}

static void test_forward_only(void **state)
{
	static const char *const refused[] = {"|a\n", "./a\n", "./a/\n", "&x\n|a\n"};
	struct dot_list l;

	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		char text[16];

		memcpy(text, refused[i], strlen(refused[i]) + 1);
		dot_init(&l);
		l.forward_only = 1;
		assert_int_equal(dot_parse(&l, text, strlen(text)), -1);
		dot_free(&l);
	}
	dot_init(&l);
	l.forward_only = 1;
	assert_int_equal(dot_parse(&l, (char[]){"#x\n&a\nb\n"}, 8), 0);
	assert_int_equal(l.n, 2);
	dot_free(&l);
}

static void test_nul(void **state)
{
	struct dot_list l;

	(void)state;
	assert_int_equal(parse(&l, "&a\n&b\0c\n", 8), -1);
	dot_free(&l);
}

/* n bytes of c behind first */
static int parse_long(const char *first, char c, size_t n)
{
	size_t head = strlen(first);
	size_t len = head + n;
	char *text = malloc(len);
	struct dot_list l;
	int r;

	assert_non_null(text);
	for (size_t i = 0; i < len; i++)
		text[i] = i < head ? first[i] : c;
	r = parse(&l, text, len);
	dot_free(&l);
	free(text);
	return r;
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(parse_long("|", 'x', LIMIT_DOTLINE - 1), 0);
	assert_int_equal(parse_long("|", 'x', LIMIT_DOTLINE), -1);
	assert_int_equal(parse_long("&", 'x', 900), 0);
	assert_int_equal(parse_long("&", 'x', 901), -1);
	assert_int_equal(parse_long("./", 'x', 900), 0);
	assert_int_equal(parse_long("./", 'x', 1100), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_forward_only),
	    cmocka_unit_test(test_nul),
	    cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
