/* netstr: whatever the pieces, the same netstrings; what is none is refused early. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exact.h"

#include "clock.h"
#include "netstr.h"
#include "sbuf.h"

enum { MAX = 20 };

/* Feeds in pieces of at most step bytes; what was read, a '|' behind each netstring. */
static int read_all(const char *in, size_t n, size_t step, struct sbuf *out)
{
	struct netstr s;
	size_t taken = 0;
	int r = 0;

	netstr_init(&s, MAX);
	while (taken < n && r == 0) {
		size_t part = n - taken < step ? n - taken : step;
		char *piece = exact(in + taken, part);
		const char *p = piece;

		taken += part;
		while (r == 0 && part > 0) {
			const char *bytes;
			size_t len;
			int event = netstr_next(&s, &p, &part, &bytes, &len);

			if (event == -1)
				r = errno;
			else if (event == NETSTR_BYTES) {
				assert_true(len > 0);
				assert_int_equal(sbuf_cat(out, bytes, len), 0);
			} else if (event == NETSTR_END) {
				assert_true(netstr_between(&s));
				assert_int_equal(sbuf_catc(out, '|'), 0);
			}
		}
		free(piece);
	}
	return r;
}

static void test_table(void **state)
{
	static const struct {
		const char *in;
		const char *want;
		int error;
	} row[] = {
	    {"5:hello,", "hello|", 0},
	    {"0:,", "|", 0},
	    {"0:,0:,1:x,", "||x|", 0},
	    {"20:12345678901234567890,", "12345678901234567890|", 0},
	    {"3:a,b,", "a,b|", 0},
	    {"3:a:b,", "a:b|", 0},
	    {"5:hel", "hel", 0},
	    {"12", "", 0},
	    {"", "", 0},
	    {"21:", "", EMSGSIZE},
	    {"21", "", EMSGSIZE},
	    {"99999999999999999999999999", "", EMSGSIZE},
	    {"18446744073709551621:", "", EMSGSIZE},
	    {":", "", EBADMSG},
	    {",", "", EBADMSG},
	    {"00:,", "", EBADMSG},
	    {"05:hello,", "", EBADMSG},
	    {"-1:x,", "", EBADMSG},
	    {"+1:x,", "", EBADMSG},
	    {" 1:x,", "", EBADMSG},
	    {"1 :x,", "", EBADMSG},
	    {"1:xx", "x", EBADMSG},
	    {"5:hello;", "hello", EBADMSG},
	    {"0:x", "", EBADMSG},
	    {"0x5:hello,", "", EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++)
		for (size_t step = 1; step < 30; step++) {
			struct sbuf out = SBUF_INIT(1000);

			assert_int_equal(
			    read_all(row[i].in, strlen(row[i].in), step, &out),
			    row[i].error);
			assert_string_equal(sbuf_str(&out), row[i].want);
			sbuf_free(&out);
		}
}

static void test_put(void **state)
{
	struct sbuf b = SBUF_INIT(11);

	(void)state;
	assert_int_equal(netstr_put(&b, "hello", 5), 0);
	assert_int_equal(netstr_put(&b, "", 0), 0);
	assert_int_equal(netstr_put(&b, "x", 1), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_string_equal(sbuf_str(&b), "5:hello,0:,");
	assert_int_equal(netstr_put(&b, "x", SIZE_MAX), -1);
	assert_int_equal(errno, EMSGSIZE);
	sbuf_free(&b);
}

static int64_t soon(void)
{
	return clock_mono_ms() + 60000;
}

static int put_one(int fd, const void *p, size_t n, const char *behind, int64_t deadline)
{
	const struct netstr_part one = {p, n};

	return netstr_write(fd, &one, 1, behind, deadline);
}

/* Parts that the socket takes in several pieces, none, and the string alone. */
static void test_write_parts(void **state)
{
	static char big[1 << 19];
	const struct netstr_part part[] = {{"hello", 5}, {big, sizeof big}};
	struct netstr_reader r = {0, 0, {0}};
	static char out[sizeof big + 1];
	size_t len;
	int sv[2];
	pid_t pid;

	(void)state;
	memset(big, 'b', sizeof big);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	pid = fork();
	if (pid == 0)
		_exit(netstr_write(sv[0], part, 2, "0:,", soon()) == 0 &&
			      netstr_write(sv[0], part, 0, "1:x,", soon()) == 0
			  ? 0
			  : 1);
	assert_int_equal(netstr_read(&r, sv[1], out, sizeof out, &len, soon()), 0);
	assert_string_equal(out, "hello");
	assert_int_equal(netstr_read(&r, sv[1], out, sizeof out, &len, soon()), 0);
	assert_int_equal(len, sizeof big);
	assert_memory_equal(out, big, sizeof big);
	assert_int_equal(netstr_read(&r, sv[1], out, sizeof out, &len, soon()), 0);
	assert_int_equal(len, 0);
	assert_int_equal(netstr_read(&r, sv[1], out, sizeof out, &len, soon()), 0);
	assert_string_equal(out, "x");
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)close(sv[0]);
	(void)close(sv[1]);
}

static void test_read_and_write(void **state)
{
	struct netstr_reader r = {0, 0, {0}};
	char out[1001];
	char big[1000];
	size_t len;
	char c;
	int sv[2];

	(void)state;
	memset(big, 'b', sizeof big);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(put_one(sv[0], "hello", 5, "X", soon()), 0);
	assert_int_equal(put_one(sv[0], big, sizeof big, "0:,", soon()), 0);
	assert_int_equal(netstr_read(&r, sv[1], out, sizeof out, &len, soon()), 0);
	assert_string_equal(out, "hello");
	assert_int_equal(netstr_byte(&r, sv[1], &c, soon()), 0);
	assert_int_equal(c, 'X');
	assert_int_equal(netstr_read(&r, sv[1], out, sizeof out, &len, soon()), 0);
	assert_int_equal(len, 1000);
	assert_int_equal(netstr_read(&r, sv[1], out, sizeof out, &len, soon()), 0);
	assert_int_equal(len, 0);
	/* nothing comes; too long; the other side goes */
	assert_int_equal(
	    netstr_read(&r, sv[1], out, sizeof out, &len, clock_mono_ms() + 20), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(put_one(sv[0], big, 11, "", soon()), 0);
	assert_int_equal(netstr_read(&r, sv[1], out, 11, &len, soon()), -1);
	assert_int_equal(errno, EMSGSIZE);
	(void)close(sv[0]);
	r.from = r.to;
	assert_int_equal(netstr_read(&r, sv[1], out, 11, &len, soon()), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(put_one(sv[1], "x", 1, "", soon()), -1); /* no SIGPIPE */
	assert_int_equal(errno, EPIPE);
	(void)close(sv[1]);
}

static void test_write_to_nobody(void **state)
{
	static char big[1 << 20];
	int sv[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(put_one(sv[0], big, sizeof big, "", clock_mono_ms() + 30), -1);
	assert_int_equal(errno, ETIMEDOUT);
	(void)close(sv[0]);
	(void)close(sv[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),           cmocka_unit_test(test_put),
	    cmocka_unit_test(test_write_parts),     cmocka_unit_test(test_read_and_write),
	    cmocka_unit_test(test_write_to_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
