#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "rbuf.h"

static struct rbuf in;
static struct obuf out;
static int peer;

static int open_pair(void **state)
{
	int fds[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		return -1;
	peer = fds[1];
	obuf_init(&out, fds[0]);
	rbuf_init(&in, fds[0], &out);
	in.deadline = out.deadline = clock_mono_ms() + 60000;
	return 0;
}

static int close_pair(void **state)
{
	(void)state;
	(void)close(in.fd);
	if (peer != -1)
		(void)close(peer);
	return 0;
}

static void says(const char *p, size_t n)
{
	assert_int_equal(write(peer, p, n), n);
}

static void hangs_up(void)
{
	assert_int_equal(close(peer), 0);
	peer = -1;
}

static void expect_line(const char *want)
{
	const char *line;
	size_t len;

	assert_int_equal(rbuf_line(&in, 10, &line, &len), 1);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(line, want, len);
}

static void expect_error(int e)
{
	const char *line;
	size_t len;

	assert_int_equal(rbuf_line(&in, 10, &line, &len), -1);
	assert_int_equal(errno, e);
}

static void reads_lines(void **state)
{
	const char *line;
	size_t len;

	(void)state;
	says("one\r\n\r\n0123456789\r\nrest", 23);
	expect_line("one");
	assert_int_equal(rbuf_pending(&in), 18);
	expect_line("");
	expect_line("0123456789");
	says("\r", 1);
	says("\nlost", 5);
	expect_line("rest");
	hangs_up();
	assert_int_equal(rbuf_line(&in, 10, &line, &len), 0);
}

static void skips_a_long_line(void **state)
{
	(void)state;
	says("01234567890\r\nnext\r\n", 19);
	expect_error(EMSGSIZE);
	expect_line("next");
}

static void refuses_bad_lines(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		int e;
	} bad[] = {{"a\n", 2, EBADMSG},      {"\n", 1, EBADMSG},
		   {"a\rb\r\n", 5, EBADMSG}, {"a\r\r\n", 4, EBADMSG},
		   {"a\0b\r\n", 5, EILSEQ},  {"\0\n", 2, EILSEQ}};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		says(bad[i].bytes, bad[i].n);
		expect_error(bad[i].e);
		assert_int_equal(close_pair(state), 0);
		assert_int_equal(open_pair(state), 0);
	}
}

static void gives_up_on_an_endless_line(void **state)
{
	static char x[RBUF_SIZE];

	(void)state;
	memset(x, 'x', sizeof x);
	says(x, sizeof x);
	expect_error(E2BIG);
}

static void keeps_deadlines(void **state)
{
	(void)state;
	says("half", 4);
	in.deadline = clock_mono_ms() + 20;
	expect_error(ETIMEDOUT);
}

static void tells_who_talks(void **state)
{
	(void)state;
	assert_false(rbuf_is_talking(&in, 0));
	says("x", 1);
	assert_true(rbuf_is_talking(&in, clock_mono_ms() + 1000));
}

static void gives_blocks(void **state)
{
	const char *p;
	size_t n;

	(void)state;
	says("abc", 3);
	assert_int_equal(rbuf_some(&in, &p, &n), 1);
	assert_int_equal(n, 3);
	rbuf_take(&in, 2);
	assert_int_equal(rbuf_some(&in, &p, &n), 1);
	assert_int_equal(n, 1);
	assert_int_equal(*p, 'c');
}

static void flushes_before_a_wait(void **state)
{
	char got[8];

	(void)state;
	says("x\r\ny\r\n", 6);
	assert_int_equal(obuf_puts(&out, "1"), 0);
	expect_line("x");
	assert_int_equal(read(peer, got, sizeof got), 1);
	assert_int_equal(obuf_puts(&out, "2"), 0);
	expect_line("y"); /* it was there: no reason to flush */
	assert_int_equal(recv(peer, got, sizeof got, MSG_DONTWAIT), -1);
	assert_int_equal(obuf_flush(&out), 0);
	assert_int_equal(recv(peer, got, sizeof got, MSG_DONTWAIT), 1);
}

static void writes_more_than_it_holds(void **state)
{
	static char x[OBUF_SIZE + 1];
	static char got[2 * OBUF_SIZE];
	size_t n = 0;

	(void)state;
	memset(x, 'x', sizeof x);
	assert_int_equal(obuf_puts(&out, "a"), 0);
	assert_int_equal(obuf_put(&out, x, sizeof x), 0);
	assert_int_equal(obuf_puts(&out, "b"), 0);
	assert_int_equal(obuf_flush(&out), 0);
	while (n < OBUF_SIZE + 3) {
		ssize_t r = read(peer, got + n, sizeof got - n);

		assert_true(r > 0);
		n += (size_t)r;
	}
	assert_int_equal(n, OBUF_SIZE + 3);
	assert_int_equal(got[0], 'a');
	assert_int_equal(got[n - 1], 'b');
}

static void notices_a_peer_that_never_reads(void **state)
{
	static char x[OBUF_SIZE];
	int r = 0;

	(void)state;
	out.deadline = clock_mono_ms() + 50;
	for (int i = 0; i < 1000 && r == 0; i++)
		r = obuf_put(&out, x, sizeof x);
	assert_int_equal(r, -1);
	assert_int_equal(errno, ETIMEDOUT);
}

/* Room for some bytes is not room for all: a blocking write would wait without an end. */
static void notices_a_peer_that_reads_only_a_little(void **state)
{
	static char x[OBUF_SIZE];
	int small = 1;
	pid_t reader;

	(void)state;
	assert_int_equal(setsockopt(out.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small),
			 0);
	reader = fork();
	assert_int_not_equal(reader, -1);
	if (reader == 0) {
		for (int i = 0; i < 2 && read(peer, x, sizeof x) > 0; i++)
			(void)usleep(20000);
		(void)poll(NULL, 0, 30000);
		_exit(0);
	}
	(void)alarm(60);
	out.deadline = clock_mono_ms() + 200;
	assert_int_equal(obuf_put(&out, x, sizeof x), 0);
	assert_int_equal(obuf_flush(&out), -1);
	assert_int_equal(errno, ETIMEDOUT);
	(void)alarm(0);
	(void)kill(reader, SIGKILL);
	(void)waitpid(reader, NULL, 0);
}

static void notices_a_lost_peer(void **state)
{
	(void)state;
	hangs_up();
	assert_int_equal(obuf_puts(&out, "x"), 0);
	assert_int_equal(obuf_flush(&out), -1);
	assert_int_equal(errno, EPIPE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_pair, close_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(reads_lines),
	    TEST(skips_a_long_line),
	    TEST(refuses_bad_lines),
	    TEST(gives_up_on_an_endless_line),
	    TEST(keeps_deadlines),
	    TEST(tells_who_talks),
	    TEST(gives_blocks),
	    TEST(flushes_before_a_wait),
	    TEST(writes_more_than_it_holds),
	    TEST(notices_a_peer_that_never_reads),
	    TEST(notices_a_peer_that_reads_only_a_little),
	    TEST(notices_a_lost_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
