/* Short turns: asked for, and nothing else changed. */
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "exact.h"

#include "slice.h"

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static struct attr look(void)
{
	struct attr a = {.size = sizeof a};

	assert_int_equal(syscall(SYS_sched_getattr, 0, &a, sizeof a, 0), 0);
	return a;
}

/* An older kernel says 0. */
static void is_short_and_as_nice_as_before(void **state)
{
	struct attr before;
	struct attr after;
	int nice = look().nice < 3 ? 3 : look().nice; /* less is for root */

	(void)state;
	assert_int_equal(setpriority(PRIO_PROCESS, 0, nice), 0);
	before = look();
	slice_short();
	after = look();
	assert_int_equal(after.policy, before.policy);
	assert_int_equal(after.nice, nice);
	assert_int_equal(after.flags, before.flags);
	assert_int_equal(after.runtime, before.runtime == 0 ? 0 : SLICE_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_short_and_as_nice_as_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
