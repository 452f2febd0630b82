#include <string.h>

#include "../../qqueue/msgid.h"
#include "exact.h"

static const struct {
	const char *message;
	const char *wanted;
} rows[] = {
    {"Subject: x\nMessage-ID: <a@b>\n\nbody\n", "<a@b>"},
    {"MESSAGE-id:<a@b>\n\n", "<a@b>"},
    {"Message-Id:\n <folded@b>\n\n", "<folded@b>"},
    {"Message-Id: \t\n\t <folded@b> comment\n\n", "<folded@b>"},
    {"Message-ID: <one@b>\nMessage-ID: <two@b>\n\n", "<one@b>"},
    {"Subject: x\n\nMessage-ID: <body@b>\n", ""},
    {"\nMessage-ID: <body@b>\n", ""},
    {"X-Message-ID: <x@b>\n message-id: <fold@b>\n\n", ""},
    {"Message-ID\n\nMessage-ID: <body@b>\n", ""},
    {"Message-ID:\n\n<body@b>\n", ""},
    {"Message-ID:\nSubject: x\nMessage-ID: <late@b>\n\n", ""},
    {"Mess", ""},
    {"m\nmessage-id: no brackets\n\n", "no"},
    {"Message-ID: <a@b>", "<a@b>"},
    {"", ""},
};

/* In two pieces, cut at each place: the same. */
static void finds(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t n = strlen(rows[i].message);

		for (size_t cut = 0; cut <= n; cut++) {
			char *a = exact(rows[i].message, cut);
			char *b = exact(rows[i].message + cut, n - cut);
			struct msgid m;

			msgid_init(&m);
			msgid_add(&m, a, cut);
			msgid_add(&m, b, n - cut);
			assert_string_equal(m.value, rows[i].wanted);
			free(a);
			free(b);
		}
	}
}

static void cuts_a_long_one(void **state)
{
	static const char field[] = "Message-ID: ";
	char text[1000];
	struct msgid m;

	(void)state;
	memset(text, 'x', sizeof text);
	msgid_init(&m);
	msgid_add(&m, field, sizeof field - 1);
	msgid_add(&m, text, sizeof text);
	msgid_add(&m, text, sizeof text);
	assert_int_equal(m.len, LIMIT_MSGID);
	assert_int_equal(strlen(m.value), LIMIT_MSGID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds),
	    cmocka_unit_test(cuts_a_long_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
