#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "jail.h"
#include "template.h"
#include "usock.h"

/* With sanitizers there is no filter; clang and gcc say so in their own ways. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

enum { OF_SESSION = 7 };

static const char words[] = "PROTO=TCP\0TCPREMOTEIP=192.0.2.1\0TCPREMOTEIP=192.0.2.2";

/* A session says what it knows to its client, and ends. */
static _Noreturn void be_session(int channel, int fd)
{
	const char *ip = getenv("TCPREMOTEIP");

	if (ip != NULL)
		(void)!write(fd, ip, strlen(ip));
	_exit(write(channel, "x", 1) == -1 ? OF_SESSION : 1);
}

/* A template that does what the letters say: f forks, all else is its answer. */
static pid_t start(const char *letters, int *channel)
{
	int pair[2];
	pid_t pid;

	assert_int_equal(usock_pair(pair), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	*channel = pair[0];
	if (pid > 0) {
		(void)close(pair[1]);
		return pid;
	}
	(void)close(pair[0]);
	(void)signal(SIGPIPE, SIG_IGN);
	for (; *letters != '\0'; letters++) {
		int fd = template_next(pair[1]);

		if (fd == -1)
			_exit(2);
		if (*letters != 'f') {
			template_refuse(pair[1], *letters);
			(void)close(fd);
		} else if (template_fork(pair[1], fd))
			be_session(pair[1], fd);
	}
	_exit(template_next(pair[1]) == -1 ? 0 : 3);
}

static enum template_said ask(int channel, int *client, pid_t *pid)
{
	enum template_said said;
	int pair[2];

	assert_int_equal(usock_pair(pair), 0);
	said = template_ask(channel, pair[0], words, sizeof words, pid);
	(void)close(pair[0]);
	*client = pair[1];
	return said;
}

static int status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void says_what_becomes_of_a_connection(void **state)
{
	static const enum template_said want[] = {TEMPLATE_ANEW, TEMPLATE_DONE,
						  TEMPLATE_LOST};
	int channel, client;
	pid_t pid = start("AD?", &channel), none;

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		assert_int_equal(ask(channel, &client, &none), want[i]);
		(void)close(client);
	}
	(void)close(channel);
	assert_int_equal(status_of(pid), 0);
}

static void hears_the_end_of_a_template(void **state)
{
	int channel, client;
	pid_t pid = start("A", &channel), none;

	(void)state;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(status_of(pid), SIGKILL);
	assert_int_equal(ask(channel, &client, &none), TEMPLATE_LOST);
	assert_int_equal(errno, EPIPE);
	(void)close(client);
	(void)close(channel);
}

/* Ours, not the template's child; with its own words; the channel is closed. */
static void forks_a_session(void **state)
{
	int channel, client;
	pid_t pid = start("ff", &channel), session;
	char got[32] = "";

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(channel, &client, &session), TEMPLATE_RUNS);
		assert_int_not_equal(session, pid);
		assert_int_equal(read(client, got, sizeof got - 1), 9);
		assert_string_equal(got, "192.0.2.2");
		assert_int_equal(status_of(session), OF_SESSION << 8);
		(void)close(client);
	}
	(void)close(channel);
	assert_int_equal(status_of(pid), 0);
}

/* What getenv() would not find any more is no session's. */
static void refuses_too_many_words(void **state)
{
	static char *many[TEMPLATE_VARS + 1];
	static char word[] = "A=1";
	char **before = environ;
	int channel, client;
	pid_t pid, none;

	(void)state;
	for (size_t i = 0; i < TEMPLATE_VARS; i++)
		many[i] = word;
	environ = many;
	pid = start("f", &channel);
	environ = before;
	assert_int_equal(ask(channel, &client, &none), TEMPLATE_FAILED);
	assert_int_equal(errno, E2BIG);
	(void)close(client);
	(void)close(channel);
	assert_int_equal(status_of(pid), 0);
}

static void ends_with_a_listener_that_is_none(void **state)
{
	static const struct {
		const char *frame;
		size_t n;
		int pass;
	} bad[] = {{"A=1", 4, 0}, {"A=1", 3, 1}, {"A", 2, 1}, {"A=1\0\0", 5, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int channel;
		pid_t pid = start("f", &channel);

		assert_int_equal(usock_send(channel, bad[i].frame, bad[i].n,
					    bad[i].pass ? channel : -1),
				 0);
		assert_int_equal(status_of(pid), 2 << 8);
		(void)close(channel);
	}
}

/* An answer that no template gives. */
static void hears_no_nonsense(void **state)
{
	static const struct {
		const char *frame;
		size_t n;
	} bad[] = {{"P\0\0\0", 4},
		   {"P\0\0\0\1x", 6},
		   {"P\0\0\0\0", 5},
		   {"P\377\377\377\377", 5},
		   {"X\0\0\0\1", 5}};
	pid_t pid;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int pair[2];

		assert_int_equal(usock_pair(pair), 0);
		assert_int_equal(usock_send(pair[1], bad[i].frame, bad[i].n, -1), 0);
		assert_int_equal(template_heard(pair[0], &pid), TEMPLATE_LOST);
		(void)close(pair[0]);
		(void)close(pair[1]);
	}
}

#ifndef SANITIZED
static int end_of_one_that_calls(long call)
{
	static const int calls[] = {SYS_getppid, SYS_clone, SYS_getuid};
	pid_t pid = fork();

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
		    jail_narrow(calls, 3) == -1)
			_exit(1);
		(void)syscall(call);
		_exit(0);
	}
	return status_of(pid);
}

static void narrows_a_jail(void **state)
{
	(void)state;
	assert_int_equal(end_of_one_that_calls(SYS_getpid), 0);
	assert_int_equal(WTERMSIG(end_of_one_that_calls(SYS_getppid)), SIGSYS);
	assert_int_equal(WTERMSIG(end_of_one_that_calls(SYS_clone)), SIGSYS);
	assert_int_equal(WTERMSIG(end_of_one_that_calls(SYS_getuid)), SIGSYS);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(says_what_becomes_of_a_connection),
	    cmocka_unit_test(hears_the_end_of_a_template),
	    cmocka_unit_test(forks_a_session),
	    cmocka_unit_test(refuses_too_many_words),
	    cmocka_unit_test(ends_with_a_listener_that_is_none),
	    cmocka_unit_test(hears_no_nonsense),
#ifndef SANITIZED
	    cmocka_unit_test(narrows_a_jail),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
