/* qremote/pool: an idle child is kept for a while, and none for longer than a connection:
 * it has read control/ at its start. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../qremote/pool.h"
#include "clock.h"

static struct pool pool;

static struct child *add(int64_t born)
{
	struct child *c = &pool.child[pool.n++];

	*c = (struct child){.fd = open("/dev/null", O_RDONLY | O_CLOEXEC),
			    .pid = -1,
			    .busy = 1,
			    .born = born,
			    .destination = "there.example"};
	return c;
}

static void test_idle_child_is_found(void **state)
{
	struct child *c = add(clock_mono_ms());

	(void)state;
	assert_null(pool_find(&pool, "there.example"));
	pool_rest(c);
	assert_ptr_equal(pool_find(&pool, "there.example"), c);
	assert_null(pool_find(&pool, "other.example"));
	assert_in_range(pool_expire(&pool) - clock_mono_ms(), 1, IDLE_TIME);
	pool_kill(&pool, c);
	assert_int_equal(pool.n, 0);
}

static void test_old_child_gets_no_more(void **state)
{
	struct child *c = add(clock_mono_ms() - REUSE_TIME);
	int fd = c->fd;

	(void)state;
	pool_rest(c);
	assert_null(pool_find(&pool, "there.example"));
	assert_int_equal(pool_expire(&pool), CLOCK_NEVER);
	assert_int_equal(pool.n, 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(errno, EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_idle_child_is_found),
	    cmocka_unit_test(test_old_child_gets_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
