/* pwask: whose name an answer is for, and that a question ends, whatever qgetpw does. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "exact.h"
#include "service.h"

#include "cursor.h"
#include "pwask.h"
#include "sbuf.h"
#include "usock.h"

static int listener = -1; /* qgetpw's socket */
static int door = -1;     /* what it has accepted */
static time_t later;      /* so much is the clock ahead */

/* Of lib/clock.c: a test that waits takes no time. */
int clock_gettime(clockid_t id, struct timespec *t)
{
	int r = (int)syscall(SYS_clock_gettime, id, t);

	t->tv_sec += later;
	return r;
}

static int setup(void **state)
{
	(void)state;
	if (service_begin("/qgetpw") == -1)
		return -1;
	listener = usock_listen("qgetpw", SOCK_SEQPACKET, 0600);
	return listener == -1 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	return service_end("/qgetpw");
}

/* ---- qgetpw ---- */

static void accept_door(void)
{
	struct pollfd p = {listener, POLLIN, 0};

	assert_int_equal(poll(&p, 1, 5000), 1);
	door = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_int_not_equal(door, -1);
}

static void answer_found(const char *name, uint32_t uid)
{
	struct sbuf b = SBUF_INIT(1000);

	assert_int_equal(sbuf_catz(&b, name), 0);
	assert_int_equal(sbuf_catc(&b, '+'), 0);
	assert_int_equal(put_u32(&b, uid), 0);
	assert_int_equal(put_u32(&b, uid), 0);
	assert_int_equal(sbuf_catz(&b, "/home"), 0);
	assert_int_equal(sbuf_catz(&b, "/bin/sh"), 0);
	assert_int_equal(usock_send(door, b.p, b.len, -1), 0);
	sbuf_free(&b);
}

static void close_door(void)
{
	(void)close(door);
	door = -1;
}

/* ---- who asks ---- */

static struct question question;
static char settled_as;

static void on_settled(const char *name, char result)
{
	question_settle(&question, name, result);
	settled_as = result;
}

static int ask(const char *name, struct route_user *u)
{
	*u = (struct route_user){.uid = 0};
	return pwask_getpw(&question, name, u);
}

static void forget(void)
{
	question = (struct question){.failed = 0};
	settled_as = '\0';
}

/* ---- tests ---- */

static void a_found_user_is_kept(void **state)
{
	struct route_user u;

	(void)state;
	forget();
	assert_int_equal(ask("anna", &u), -1);
	assert_int_equal(errno, EINPROGRESS);
	accept_door();
	answer_found("anna", 1001);
	pwask_receive(on_settled);
	assert_int_equal(settled_as, '+');
	assert_int_equal(ask("anna", &u), 1);
	assert_int_equal(u.uid, 1001);
	assert_string_equal(u.name, "anna");
}

/* The question could not be sent: whoever had the place of this name before is not he. */
static void a_question_that_was_not_sent_has_no_answer(void **state)
{
	struct rlimit r;
	struct rlimit none;
	struct route_user u;

	(void)state;
	forget();
	later += 60; /* anna is kept no more, but her place is not cleared either */
	close_door();
	pwask_receive(on_settled);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	none = r;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(ask("mallory", &u), -1);
	assert_int_equal(errno, EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &r), 0);
	assert_int_equal(ask("mallory", &u), -1);
	assert_int_equal(errno, EINPROGRESS);
	accept_door();
	answer_found("mallory", 1002);
	pwask_receive(on_settled);
	assert_int_equal(ask("mallory", &u), 1);
	assert_int_equal(u.uid, 1002);
}

/* qgetpw ends at this question, each time that it is asked. */
static void a_question_that_ends_qgetpw_ends_too(void **state)
{
	struct route_user u;
	time_t begun;

	(void)state;
	forget();
	assert_int_equal(ask("killer", &u), -1);
	assert_int_equal(errno, EINPROGRESS);
	for (begun = later; settled_as == '\0' && later - begun < 60; later++) {
		if (pwask_fd() != -1) {
			if (door == -1)
				accept_door();
			close_door();
			pwask_receive(on_settled);
		}
		pwask_tick(on_settled);
	}
	assert_int_equal(settled_as, 'Z');
	assert_true(later - begun <= 22);
	assert_int_equal(ask("killer", &u), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(pwask_wait_ms(), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_found_user_is_kept),
	    cmocka_unit_test(a_question_that_was_not_sent_has_no_answer),
	    cmocka_unit_test(a_question_that_ends_qgetpw_ends_too),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
