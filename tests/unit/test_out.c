/* How values are written: nothing in a value ends an answer. */
#include "exact.h"

#include <sys/socket.h>
#include <unistd.h>

#include "../../qimapd/io.h"
#include "../../qimapd/out.h"
#include "../../qimapd/session.h"

static int client;

static void begin(void)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	client = fds[0];
	io_init(fds[1], fds[1]);
}

static const char *said(void)
{
	static char text[4096];
	ssize_t n;

	io_flush();
	n = recv(client, text, sizeof text - 1, MSG_DONTWAIT);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static const struct {
	const char *in;
	const char *string, *string_utf8, *astring;
} rows[] = {
    {"", "\"\"", "\"\"", "\"\""},
    {"abc", "\"abc\"", "\"abc\"", "abc"},
    {"a b", "\"a b\"", "\"a b\"", "\"a b\""},
    {"a\"b\\c", "\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\""},
    {"NIL", "\"NIL\"", "\"NIL\"", "\"NIL\""},
    {"a]", "\"a]\"", "\"a]\"", "a]"},
    {"a)", "\"a)\"", "\"a)\"", "\"a)\""},
    {"a\r\nb", "{4}\r\na\r\nb", "{4}\r\na\r\nb", "{4}\r\na\r\nb"},
    {"\x7f", "{1}\r\n\x7f", "{1}\r\n\x7f", "{1}\r\n\x7f"},
    {"\xc3\xbc", "{2}\r\n\xc3\xbc", "\"\xc3\xbc\"", "{2}\r\n\xc3\xbc"},
    {"\xff", "{1}\r\n\xff", "{1}\r\n\xff", "{1}\r\n\xff"},
};

static void strings(void **state)
{
	(void)state;
	begin();
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t n = strlen(rows[i].in);
		char *in = exact(rows[i].in, n);

		session.on = 0;
		out_string(in, n);
		assert_string_equal(said(), rows[i].string);
		out_astring(in, n);
		assert_string_equal(said(), rows[i].astring);
		session.on = ON_REV2;
		out_string(in, n);
		assert_string_equal(said(), rows[i].string_utf8);
		free(in);
	}
	session.on = 0;
}

static void mailboxes(void **state)
{
	(void)state;
	session.on = 0;
	out_mailbox("a\xc3\xbc"
		    "b&");
	assert_string_equal(said(), "a&APw-b&-");
	session.on = ON_UTF8;
	out_mailbox("a\xc3\xbc"
		    "b&");
	assert_string_equal(said(), "\"a\xc3\xbc"
				    "b&\"");
	out_mailbox("two words");
	assert_string_equal(said(), "\"two words\"");
	session.on = 0;
}

static void flags(void **state)
{
	(void)state;
	out_flag_words(0, 0);
	assert_string_equal(said(), "");
	out_flag_words(MSG_SEEN | MSG_PASSED | MSG_ANSWERED, 0);
	assert_string_equal(said(), "\\Answered \\Seen $Forwarded");
	out_literal_head(12, 1);
	assert_string_equal(said(), "~{12}\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(strings),
					   cmocka_unit_test(mailboxes),
					   cmocka_unit_test(flags)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
