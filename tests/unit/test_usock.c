/* usock: one server a directory; frames and descriptors arrive whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exact.h"
#include "service.h"

#include "usock.h"

static const char dir[] = "service"; /* run/service */

static int setup(void **state)
{
	(void)state;
	return service_begin("/service");
}

static int teardown(void **state)
{
	(void)state;
	return service_end("/service");
}

static unsigned open_count(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 100; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void test_listen_and_connect(void **state)
{
	struct stat st;
	char path[64];
	char c;
	uid_t uid;
	pid_t pid;
	int server;
	int client;
	int peer;
	int status;

	(void)state;
	assert_int_equal(usock_connect(dir, SOCK_SEQPACKET), -1);
	assert_int_equal(errno, ENOENT);
	server = usock_listen(dir, SOCK_SEQPACKET, 0640);
	assert_int_not_equal(server, -1);
	in_run(path, "/service", "/sock");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	pid = fork();
	if (pid == 0)
		_exit(usock_listen(dir, SOCK_SEQPACKET, 0640) == -1 &&
			      errno == EWOULDBLOCK
			  ? 0
			  : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	client = usock_connect(dir, SOCK_SEQPACKET);
	assert_int_not_equal(client, -1);
	peer = accept(server, NULL, NULL);
	assert_int_equal(usock_peer(peer, &uid, &pid), 0);
	assert_int_equal(uid, geteuid());
	assert_int_equal(pid, getpid());
	assert_int_equal(usock_recv(peer, &c, 1, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	(void)close(client);
	assert_int_equal(usock_recv(peer, &c, 1, NULL), 0);
	(void)close(peer);
	(void)close(server);
	assert_int_equal(usock_connect(dir, SOCK_SEQPACKET), -1);
	assert_int_equal(errno, ECONNREFUSED);
}

static void test_long_name(void **state)
{
	char name[200];

	(void)state;
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_int_equal(usock_connect(name, SOCK_STREAM), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

static void test_frames(void **state)
{
	unsigned before = open_count();
	char buf[10];
	int sv[2];
	int got;

	(void)state;
	assert_int_equal(usock_pair(sv), 0);
	assert_int_equal(usock_send(sv[0], "hello", 5, -1), 0);
	assert_int_equal(usock_send(sv[0], "0123456789", 10, -1), 0);
	assert_int_equal(usock_send(sv[0], "0123456789A", 11, sv[0]), 0);
	assert_int_equal(usock_send(sv[0], "last", 4, -1), 0);
	assert_int_equal(usock_recv(sv[1], buf, sizeof buf, &got), 5);
	assert_int_equal(got, -1);
	assert_int_equal(usock_recv(sv[1], buf, sizeof buf, NULL), 10);
	assert_int_equal(usock_recv(sv[1], buf, sizeof buf, &got), -1);
	assert_int_equal(errno, EMSGSIZE); /* too long, and its descriptor is closed */
	assert_int_equal(open_count(), before + 2);
	assert_int_equal(usock_recv(sv[1], buf, sizeof buf, NULL), 4);
	assert_memory_equal(buf, "last", 4);
	(void)close(sv[0]);
	assert_int_equal(usock_recv(sv[1], buf, sizeof buf, NULL), 0);
	(void)close(sv[1]);
	assert_int_equal(open_count(), before);
}

static void send_fds(int fd, const int *fds, size_t n)
{
	char space[CMSG_SPACE(16 * sizeof(int))] = {0};
	struct iovec iov = {(char[]){0}, 1};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = space};
	struct cmsghdr *h;

	m.msg_controllen = CMSG_SPACE(n * sizeof *fds);
	h = CMSG_FIRSTHDR(&m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(n * sizeof *fds);
	memcpy(CMSG_DATA(h), fds, n * sizeof *fds);
	assert_int_equal(sendmsg(fd, &m, 0), 1);
}

static void test_descriptors(void **state)
{
	unsigned before = open_count();
	const int many[16] = {0};
	char buf[10];
	int sv[2];
	int got;

	(void)state;
	assert_int_equal(usock_pair(sv), 0);
	assert_int_equal(usock_send(sv[0], "x", 1, sv[0]), 0);
	assert_int_equal(usock_recv(sv[1], buf, sizeof buf, &got), 1);
	assert_int_not_equal(got, -1);
	assert_int_equal(fcntl(got, F_GETFD), FD_CLOEXEC);
	(void)close(got);
	/* none wanted, two, more than there is room for: all of them are closed */
	assert_int_equal(usock_send(sv[0], "x", 1, sv[0]), 0);
	assert_int_equal(usock_recv(sv[1], buf, sizeof buf, NULL), -1);
	assert_int_equal(errno, EBADMSG);
	for (size_t n = 2; n <= COUNT(many); n += 7) {
		send_fds(sv[0], many, n);
		assert_int_equal(usock_recv(sv[1], buf, sizeof buf, &got), -1);
		assert_int_equal(errno, EBADMSG);
		assert_int_equal(got, -1);
	}
	/* an empty frame looks like the end of file, and leaves nothing behind either */
	assert_int_equal(usock_send(sv[0], "", 0, sv[0]), 0);
	assert_int_equal(usock_recv(sv[1], buf, sizeof buf, &got), 0);
	assert_int_equal(got, -1);
	(void)close(sv[0]);
	(void)close(sv[1]);
	assert_int_equal(open_count(), before);
}

static void test_never_blocks(void **state)
{
	static char frame[1000];
	int sv[2];
	int r = 0;

	(void)state;
	assert_int_equal(usock_pair(sv), 0);
	for (int i = 0; i < 100000 && r == 0; i++)
		r = usock_send(sv[0], frame, sizeof frame, -1);
	assert_int_equal(r, -1);
	assert_int_equal(errno, EAGAIN);
	(void)close(sv[1]);
	assert_int_equal(usock_send(sv[0], frame, 1, -1), -1);
	assert_true(errno == EPIPE || errno == ECONNRESET); /* it had not read all */
	(void)close(sv[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_listen_and_connect),
	    cmocka_unit_test(test_long_name),
	    cmocka_unit_test(test_frames),
	    cmocka_unit_test(test_descriptors),
	    cmocka_unit_test(test_never_blocks),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
