#include <string.h>

#include "../../control/logline.h"
#include "exact.h"

#define STAMP "@400000006b01b5732542c63a "
#define ID    "28cKHvPncUP2IdY3l"

static struct logline line;
static char *copy;

static int parse(const char *text)
{
	free(copy);
	copy = exact(text, strlen(text));
	return logline_parse(&line, copy, strlen(text));
}

static void reads_a_line(void **state)
{
	struct span s;
	char id[QID_LEN + 1];
	uint64_t v;

	(void)state;
	assert_int_equal(
	    parse(STAMP "qsend: delivery delivery=7 id=" ID " rcpt=0 text=\"\""), 0);
	/* 0x6b01b573 - 37, and the nanoseconds */
	assert_int_equal(line.ns / 1000000000, 1795274062);
	assert_int_equal(line.ns % 1000000000, 0x2542c63a);
	assert_true(span_is(line.program, "qsend"));
	assert_true(span_is(line.event, "delivery"));
	assert_false(logline_is_sentence(&line));
	assert_true(logline_id(&line, "id", id));
	assert_string_equal(id, ID);
	assert_false(logline_id(&line, "rcpt", id));
	assert_true(logline_num(&line, "rcpt", 9, &v));
	assert_int_equal(v, 0);
	assert_false(logline_num(&line, "delivery", 6, &v));
	assert_true(logline_get(&line, "text", &s));
	assert_int_equal(span_unescape(id, sizeof id, s), 0);
	assert_false(logline_get(&line, "ext", &s));
}

static void reads_a_sentence(void **state)
{
	struct span s;
	char id[QID_LEN + 1];

	(void)state;
	assert_int_equal(parse(STAMP "qsend: warning: no luck with " ID ": id=x"), 0);
	assert_true(logline_is_sentence(&line));
	assert_false(logline_get(&line, "id", &s));
	s = line.fields;
	assert_true(span_id(&s, id));
	assert_string_equal(id, ID);
	assert_false(span_id(&s, id));
}

static void refuses(void **state)
{
	static const char *const bad[] = {
	    "",
	    "@",
	    "@400000006b01b5732542c63a",
	    STAMP,
	    STAMP "qsend",
	    STAMP "qsend:",
	    STAMP "qsend: ",
	    STAMP ": event",
	    STAMP "qsend event",
	    "@400000006B01B5732542C63A qsend: new",
	    "@400000006b01b573ffffffff qsend: new",
	    "@000000006b01b5732542c63a qsend: new",
	    "@ffffffffffffffff2542c63a qsend: new",
	    "x" STAMP "qsend: new",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(parse(bad[i]), -1);
}

static void finds_ids_in_values(void **state)
{
	static const struct {
		const char *text;
		int found;
	} rows[] = {
	    {ID, 1},       {"qp\\x20" ID "\\x20did", 1},
	    {"qp " ID, 1}, {ID "x", 0},
	    {"x" ID, 0},   {"\\x2", 0},
	    {"", 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t n = strlen(rows[i].text);
		char *p = exact(rows[i].text, n);
		struct span s = {p, n};
		char id[QID_LEN + 1];

		assert_int_equal(span_id(&s, id), rows[i].found);
		free(p);
	}
}

static void unescapes(void **state)
{
	static const char text[] = "a\\x20b\\x3d\\xzz\\x2";
	char out[32];
	char *p = exact(text, sizeof text - 1);
	struct span s = {p, sizeof text - 1};
	size_t n = span_unescape(out, sizeof out, s);

	(void)state;
	assert_int_equal(n, 11);
	assert_memory_equal(out, "a b=\\xzz\\x2", n);
	assert_int_equal(span_unescape(out, 3, s), 3);
	free(p);
	free(copy);
	copy = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_a_line), cmocka_unit_test(reads_a_sentence),
	    cmocka_unit_test(refuses),      cmocka_unit_test(finds_ids_in_values),
	    cmocka_unit_test(unescapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
