/* A command as a whole: literals that are invited, refused, read past. */
#include "exact.h"

#include <sys/socket.h>
#include <unistd.h>

#include "../../qimapd/in.h"
#include "../../qimapd/io.h"

void io_lost(const char *why)
{
	print_error("lost: %s\n", why);
	abort();
}

static int client;

static void begin(const char *p, size_t n)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	client = fds[0];
	assert_int_equal(write(client, p, n), n);
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	io_init(fds[1], fds[1]);
}

/* Ends the session of the descriptor that io has; what was said. */
static const char *heard(void)
{
	static char said[4096];
	ssize_t n;

	io_flush();
	n = recv(client, said, sizeof said - 1, MSG_DONTWAIT);
	said[n > 0 ? n : 0] = '\0';
	return said;
}

static const struct {
	const char *in;
	enum in_what what[4];
	const char *tag; /* of the first */
	const char *command;
	const char *said;
} rows[] = {
    {"a NOOP\r\nb NOOP\r\n", {IN_WHOLE, IN_WHOLE, IN_END}, "a", "a NOOP", ""},
    {"a NOOP\n", {IN_WHOLE, IN_END}, "a", "a NOOP", ""},
    {"a NOOP", {IN_END}, "", NULL, ""},
    {"+ NOOP\r\nb x\r\n", {IN_WRONG, IN_WHOLE, IN_END}, "*", NULL, ""},
    {"\r\nb x\r\n", {IN_WRONG, IN_WHOLE, IN_END}, "*", NULL, ""},
    {"a x\001\r\nb x\r\n", {IN_WRONG, IN_WHOLE, IN_END}, "a", NULL, ""},
    {"a x {3}\r\nabc d\r\n", {IN_WHOLE, IN_END}, "a", "a x {3}\r\nabc d", "+ OK\r\n"},
    {"a x {3+}\r\nabc\r\n", {IN_WHOLE, IN_END}, "a", "a x {3+}\r\nabc", ""},
    {"a x ~{3+}\r\nabc\r\n", {IN_WHOLE, IN_END}, "a", "a x ~{3+}\r\nabc", ""},
    {"a x {2}\r\nab {1}\r\nc\r\n",
     {IN_WHOLE, IN_END},
     "a",
     "a x {2}\r\nab {1}\r\nc",
     "+ OK\r\n+ OK\r\n"},
    {"a x {x}\r\n", {IN_WHOLE, IN_END}, "a", "a x {x}", ""},
    {"a x {}\r\n", {IN_WHOLE, IN_END}, "a", "a x {}", ""},
    {"a x {1048577}\r\nb y\r\n", {IN_WRONG, IN_WHOLE, IN_END}, "a", NULL, ""},
    {"a x {18446744073709551617}\r\nb y\r\n",
     {IN_WRONG, IN_WHOLE, IN_END},
     "a",
     NULL,
     ""},
    {"a x {18446744073709551617+}\r\nb y\r\n", {IN_CUT}, "a", NULL, ""},
    {"a x {00000000000000000000000003}\r\nabc\r\n",
     {IN_WHOLE, IN_END},
     "a",
     "a x {00000000000000000000000003}\r\nabc",
     "+ OK\r\n"},
    /* refused for another reason: what is on its way is no command */
    {"a \001 {8+}\r\nx NOOP\r\n\r\nb y\r\n", {IN_WRONG, IN_WHOLE, IN_END}, "a", NULL, ""},
    {"a \001 {8}\r\nb y\r\n", {IN_WRONG, IN_WHOLE, IN_END}, "a", NULL, ""},
    {"a \001 {2+}\r\nab {2}\r\nb y\r\n", {IN_WRONG, IN_WHOLE, IN_END}, "a", NULL, ""},
    /* messages */
    {"a APPEND x {3}\r\n", {IN_MESSAGE, IN_END}, "a", "a APPEND x {3}\r\n", ""},
    {"a append {1}\r\nx (\\Seen) {3}\r\n",
     {IN_MESSAGE, IN_END},
     "a",
     "a append {1}\r\nx (\\Seen) {3}\r\n",
     "+ OK\r\n"},
    {"a APPEND x {999999999999}\r\n",
     {IN_MESSAGE, IN_END},
     "a",
     "a APPEND x {999999999999}\r\n",
     ""},
    {"a APPENDX x {3+}\r\nabc\r\n",
     {IN_WHOLE, IN_END},
     "a",
     "a APPENDX x {3+}\r\nabc",
     ""},
    {"a APPEND x\r\n", {IN_WHOLE, IN_END}, "a", "a APPEND x", ""},
};

static void commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct in in;

		begin(rows[i].in, strlen(rows[i].in));
		for (size_t k = 0; k < 4; k++) {
			enum in_what r = in_command(&in);

			if (r != rows[i].what[k])
				fail_msg("row %zu, command %zu: %d", i, k, r);
			if (k == 0) {
				assert_string_equal(in.tag, rows[i].tag);
				if (rows[i].command != NULL) {
					assert_int_equal(in.n, strlen(rows[i].command));
					assert_memory_equal(in.p, rows[i].command, in.n);
				}
			}
			if (r == IN_END || r == IN_CUT)
				break;
		}
		assert_string_equal(heard(), rows[i].said);
		(void)close(client);
	}
	in_rest();
}

static void refused_message(void **state)
{
	static const char text[] =
	    "a APPEND x {8+}\r\ny NOOP\r\n (\\Seen) {8+}\r\nz NOOP\r\n\r\nb NOOP\r\n";
	struct in in;

	(void)state;
	begin(text, sizeof text - 1);
	assert_int_equal(in_command(&in), IN_MESSAGE);
	assert_int_equal(in.literal.n, 8);
	assert_true(in.literal.plus);
	assert_int_equal(in_refuse(&in), IN_WRONG);
	assert_int_equal(in_command(&in), IN_WHOLE);
	assert_string_equal(in.tag, "b");
	(void)close(client);
}

static void long_lines(void **state)
{
	enum { N = IN_LINE + 100 };
	char *text = malloc(N + 20);
	struct in in;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', N);
	memcpy(text + IN_LINE, "\r\nb NOOP\r\n", 11);
	text[0] = 'a';
	text[1] = ' ';
	begin(text, strlen(text));
	assert_int_equal(in_command(&in), IN_WHOLE);
	assert_int_equal(in.n, IN_LINE);
	assert_int_equal(in_command(&in), IN_WHOLE);
	(void)close(client);
	memcpy(text + IN_LINE, "x\r\nb NOOP\r\n", 12);
	begin(text, strlen(text));
	assert_int_equal(in_command(&in), IN_CUT);
	(void)close(client);
	free(text);
	in_rest();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(commands),
					   cmocka_unit_test(refused_message),
					   cmocka_unit_test(long_lines)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
