/* fdio: deadlines hold on blocking and non-blocking descriptors, against a peer that is
 * silent, slow or gone. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exact.h"

#include "clock.h"
#include "fdio.h"

enum { SHORT_MS = 40 };

static void pair(int sv[2], int nonblock)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	if (nonblock)
		assert_int_equal(fd_nonblock(sv[0]), 0);
}

/* The call ended at the deadline, neither before nor long after, though the machine may have
 * much else to do. */
static void in_time(int64_t begin)
{
	assert_in_range(clock_mono_ms() - begin, SHORT_MS, SHORT_MS + 20000);
}

static void test_deadlines(void **state)
{
	static char big[1 << 20];

	(void)state;
	for (int nonblock = 0; nonblock <= 1; nonblock++) {
		int64_t begin = clock_mono_ms();
		char buf[10];
		int sv[2];

		pair(sv, nonblock);
		assert_int_equal(write(sv[1], "abc", 3), 3);
		assert_int_equal(fd_read_full(sv[0], buf, 4, begin + SHORT_MS), -1);
		assert_int_equal(errno, ETIMEDOUT);
		in_time(begin);
		begin = clock_mono_ms();
		assert_int_equal(fd_read_some(sv[0], buf, 4, begin + SHORT_MS), -1);
		assert_int_equal(errno, ETIMEDOUT);
		in_time(begin);
		if (nonblock) {
			begin = clock_mono_ms();
			assert_int_equal(
			    fd_write_full(sv[0], big, sizeof big, begin + SHORT_MS), -1);
			assert_int_equal(errno, ETIMEDOUT);
			in_time(begin);
		}
		(void)close(sv[0]);
		(void)close(sv[1]);
	}
}

static void test_ends(void **state)
{
	int64_t later = clock_mono_ms() + 60000;
	char buf[10];
	int sv[2];

	(void)state;
	pair(sv, 0);
	assert_int_equal(write(sv[1], "abc", 3), 3);
	(void)close(sv[1]);
	assert_int_equal(fd_read_some(sv[0], buf, 10, later), 3);
	assert_int_equal(fd_read_some(sv[0], buf, 10, later), 0);
	assert_int_equal(fd_read_full(sv[0], buf, 1, later), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(fd_write_full(sv[0], "x", 1, later), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(fd_read_full(sv[0], buf, 0, later), 0);
	(void)close(sv[0]);
	assert_int_equal(fd_read_some(sv[0], buf, 1, later), -1);
	assert_int_equal(
	    fd_wait(sv[0], POLLIN, clock_mono_ms() - 1) == 0 || errno == ETIMEDOUT, 1);
}

static void test_whole(void **state)
{
	static char in[300000];
	static char out[sizeof in];
	int64_t later = clock_mono_ms() + 60000;
	int sv[2];

	(void)state;
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (char)(i * 13);
	pair(sv, 1);
	if (fork() == 0)
		_exit(fd_write_full(sv[0], in, sizeof in, later) == 0 ? 0 : 1);
	assert_int_equal(fd_read_full(sv[1], out, sizeof out, later), 0);
	assert_memory_equal(in, out, sizeof in);
	(void)close(sv[0]);
	(void)close(sv[1]);
}

static int client(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
}

static void test_connect(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	int64_t later = clock_mono_ms() + 60000;
	int server = socket(AF_INET, SOCK_STREAM, 0);
	int fd[3] = {client(), client(), client()};

	(void)state;
	assert_int_equal(bind(server, (struct sockaddr *)&a, n), 0);
	assert_int_equal(getsockname(server, (struct sockaddr *)&a, &n), 0);
	assert_int_equal(fd_connect(fd[0], (struct sockaddr *)&a, n, later), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(listen(server, 0), 0); /* one fits, another waits */
	assert_int_equal(fd_connect(fd[1], (struct sockaddr *)&a, n, later), 0);
	later = clock_mono_ms();
	assert_int_equal(fd_connect(fd[2], (struct sockaddr *)&a, n, later + SHORT_MS),
			 -1);
	assert_int_equal(errno, ETIMEDOUT);
	in_time(later);
	for (int i = 0; i < 3; i++)
		(void)close(fd[i]);
	(void)close(server);
}

static void test_move(void **state)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(fd_move(50, fd), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(fcntl(50, F_GETFD), 0);
	assert_int_equal(fd_cloexec(50), 0);
	assert_int_equal(fd_move(50, 50), 0); /* in its place: open across exec */
	assert_int_equal(fcntl(50, F_GETFD), 0);
	(void)close(50);
	assert_int_equal(fd_sync_dir("/tmp"), 0);
	assert_int_equal(fd_sync_dir("/nonexistent"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(fd_sync_parent("/tmp"), 0);
	assert_int_equal(fd_sync_parent("/tmp/x"), 0);
	assert_int_equal(fd_sync_parent("x"), 0);
	assert_int_equal(fd_sync_parent("/nonexistent/x"), -1);
}

static void test_at(void **state)
{
	int fd = memfd_create("file", 0);
	char buf[8] = "";

	(void)state;
	assert_int_equal(fd_write_at(fd, "cdef", 4, 2), 0);
	assert_int_equal(fd_write_at(fd, "ab", 2, 0), 0);
	assert_int_equal(fd_read_at(fd, buf, 4, 1), 4);
	assert_memory_equal(buf, "bcde", 4);
	assert_int_equal(fd_read_at(fd, buf, 4, 4), 2); /* the file ends */
	assert_memory_equal(buf, "ef", 2);
	assert_int_equal(fd_read_at(fd, buf, 4, 6), 0);
	assert_int_equal(fd_read_at(fd, buf, 0, 0), 0);
	(void)close(fd);
	assert_int_equal(fd_read_at(fd, buf, 4, 0), -1);
	assert_int_equal(errno, EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_deadlines), cmocka_unit_test(test_ends),
	    cmocka_unit_test(test_whole),     cmocka_unit_test(test_connect),
	    cmocka_unit_test(test_move),      cmocka_unit_test(test_at),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGCHLD, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
