#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../qsend/verp.h"

static const struct {
	const char *sender, *rcpt, *want;
	int is;
} rows[] = {
    {"list-owner-@host.example-@[]", "joe@dom.example",
     "list-owner-joe=dom.example@host.example", 1},
    {"a@host.example", "joe@dom.example", "a@host.example", 0},
    {"", "joe@dom.example", "", 0},
    {"#@[]", "joe@dom.example", "#@[]", 0},
    {"-@[]", "joe@dom.example", "-@[]", 0},
    {"x-@[]", "joe@dom.example", "x-@[]", 0},
    {"@-@[]", "joe@dom.example", "joe=dom.example@", 1},
    {"l-@h-@[]", "no-domain", "l-@h", 1},
    {"l-@h-@[]", "\"a@b\"@c", "l-\"a@b\"=c@h", 1},
    {"l-@a@h-@[]", "u@c", "l-@au=c@h", 1},
    {"list@h@[]", "u@c", "list@h@[]", 0},
};

static void as_qmail_send(void **state)
{
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		verp_make(out, sizeof out, rows[i].sender, rows[i].rcpt);
		assert_string_equal(out, rows[i].want);
		assert_int_equal(verp_is(rows[i].sender), rows[i].is);
	}
}

static void without_room_as_the_list_itself(void **state)
{
	char out[24];

	(void)state;
	verp_make(out, sizeof out, "list-@h.example-@[]", "u@c.example");
	assert_string_equal(out, "list-@h.example");
	verp_make(out, sizeof out, "list-@h-@[]", "user@c.example");
	assert_string_equal(out, "list-user=c.example@h");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(as_qmail_send),
	    cmocka_unit_test(without_room_as_the_list_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
