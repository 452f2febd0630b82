/* aliasline: one entry of control/aliases; alias: its value, read again; and the lines
 * of an included file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../cdb/aliasline.h"
#include "alias.h"

/* A row of instructions, NUL-ended ones; as a literal it has one NUL more. */
struct row {
	const char *text;
	const char *name; /* NULL: refused */
	const char *value;
	size_t len;
};
#define OK(t, n, v)                    \
	{                              \
		t, n, v, sizeof(v) - 1 \
	}
#define BAD(t)                   \
	{                        \
		t, NULL, NULL, 0 \
	}

static void entries(void **state)
{
	static const struct row rows[] = {
	    OK("a: b", "a", "&b\0"),
	    OK("A.B : c@D.example ,, \"x y\"@z.example,", "a.b",
	       "&c@D.example\0&x y@z.example\0"),
	    OK("a:&b", "a", "&b\0"),
	    OK("\"two words\": b", "two words", "&b\0"),
	    OK("\"co:lon\": b", "co:lon", "&b\0"),
	    OK("a: |cmd", "a", "|cmd\0"),
	    OK("a: | cmd -x", "a", "| cmd -x\0"),
	    OK("a: \"|cmd -x, y\"", "a", "|cmd -x, y\0"),
	    OK("a: |\"cmd \\\"x\\\" \\\\y\"", "a", "|cmd \"x\" \\y\0"),
	    OK("a: |cmd \"a, b\", c", "a", "|cmd \"a, b\"\0&c\0"),
	    OK("a: /var/mail/a", "a", "/var/mail/a\0"),
	    OK("a: \"/m d/\"", "a", "/m d/\0"),
	    OK("a: :include:/etc/list", "a", "</etc/list\0"),
	    OK("a: \":include:/etc/a b\"", "a", "</etc/a b\0"),
	    OK("a: /dev/null", "a", "-\0"),
	    OK("a: /dev/null, /dev/null", "a", "-\0"),
	    OK("a: /dev/null, b", "a", "&b\0"),
	    OK("a: error:5.1.6 moved to b@c", "a", "!5.1.6 moved to b@c\0"),
	    OK("a: \"error:5.100.999 x, y\"", "a", "!5.100.999 x, y\0"),
	    BAD(""),
	    BAD("a"),
	    BAD(": b"),
	    BAD("a:"),
	    BAD("a: ,"),
	    BAD("a b: c"),
	    BAD("a@b: c"),
	    BAD("\"a@b\": c"),
	    BAD("a: b c"),
	    BAD("a: \"b"),
	    BAD("a: \\b"),
	    BAD("a: |"),
	    BAD("a: dir/"),
	    BAD("a: ~/x"),
	    BAD("a: :include:x"),
	    BAD("a: :include:"),
	    BAD("a: :other:/x"),
	    BAD("a: error:"),
	    BAD("a: error:4.1.1 x"),
	    BAD("a: error:5.1 x"),
	    BAD("a: error:5.1.1000 x"),
	    BAD("a: error:5.1.1"),
	    BAD("a: error:5.1.1 "),
	    BAD("a: error:5.1.1 x, b"),
	    BAD("a: b\tc"),
	    BAD("a: \"|x\ty\""),
	    BAD("a: b@-c.example"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *r = &rows[i];
		size_t n = strlen(r->text);
		char *copy = malloc(n ? n : 1);
		char name[LIMIT_ADDRESS + 1];
		struct sbuf value = SBUF_INIT(10000);
		const char *why;

		assert_non_null(copy);
		memcpy(copy, r->text, n);
		why = aliasline_parse(copy, n, name, &value);
		free(copy);
		if ((why == NULL) != (r->name != NULL))
			fail_msg("%s: %s", r->text, why != NULL ? why : "taken");
		if (why == NULL) {
			assert_string_equal(name, r->name);
			assert_int_equal(value.len, r->len);
			assert_memory_equal(value.p, r->value, r->len);
		}
		sbuf_free(&value);
	}
}

static void values(void **state)
{
	static const struct {
		const char *value;
		size_t len;
		int items; /* -1: broken */
	} t[] = {
#define V(v, items) {v, sizeof(v) - 1, items}
	    V("", 0),    V("#12\0", 0),      V("#12\0&a\0", 1), V("&a\0|b\0/c\0</d\0", 4),
	    V("-\0", 1), V("!5.1.6 x\0", 1), V("&a", -1),       V("&a\0b\0", -1),
	    V("\0", -1), V("#1", -1),        V("?\0", -1),
#undef V
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		char *copy = malloc(t[i].len ? t[i].len : 1);
		struct alias_item item;
		struct cursor c;
		int items = 0;
		int r;

		assert_non_null(copy);
		memcpy(copy, t[i].value, t[i].len);
		cur_init(&c, copy, t[i].len);
		while ((r = alias_next(&c, &item)) == 1)
			items++;
		free(copy);
		assert_int_equal(r == -1 ? -1 : items, t[i].items);
	}
}

static void included_lines(void **state)
{
	static const struct {
		const char *line;
		int result;
		const char *address;
	} t[] = {
	    {"", 0, NULL},
	    {"   \t", 0, NULL},
	    {"# x", 0, NULL},
	    {"  # x", 0, NULL},
	    {"joe", 1, "joe"},
	    {" joe@x.example \r", 1, "joe@x.example"},
	    {"&joe", 1, "joe"},
	    {"\"a b\"@x.example", 1, "a b@x.example"},
	    {"|id", -1, NULL},
	    {"/etc/passwd", -1, NULL},
	    {"&|id", -1, NULL},
	    {"&", -1, NULL},
	    {"\"|id\"@x.example", 1, "|id@x.example"},
	    {"a b", -1, NULL},
	    {"a, b", -1, NULL},
	    {":include:/x", -1, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		size_t n = strlen(t[i].line);
		char *copy = malloc(n ? n : 1);
		char address[LIMIT_ADDRESS + 1];

		assert_non_null(copy);
		memcpy(copy, t[i].line, n);
		assert_int_equal(alias_include_line(copy, n, address), t[i].result);
		if (t[i].result == 1)
			assert_string_equal(address, t[i].address);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(entries),
	    cmocka_unit_test(values),
	    cmocka_unit_test(included_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
