/* qremote/memory: when an address is left alone, and how that ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../../qremote/memory.h"

static struct memory memory;

static void note(uint8_t who, char reach, int64_t now)
{
	struct remotejob_tried t = {.count = 1};

	t.at[0].addr[15] = who;
	t.at[0].addr[14] = 1;
	t.at[0].reach = reach;
	memory_note(&memory, &t, now);
}

static int is_dead(uint8_t who, int64_t now)
{
	struct remotejob_dead d = memory_dead(&memory, now);
	uint8_t addr[REMOTEJOB_ADDR] = {[14] = 1, [15] = who};

	return remotejob_is_dead(&d, addr);
}

/* Steps of one address: at a time it does something, then it is dead or not. */
static void rule(void **state)
{
	enum { END = -1, MIN = 60000 };
	static const struct {
		int64_t now; /* minutes; 0 begins a case */
		char reach;  /* 0: only look */
		int dead;
	} step[] = {
	    /* twice with the gap between */
	    {0, 'T', 0},
	    {1, 'T', 0},
	    {2, 'T', 1},
	    {61, 0, 1},
	    {93, 0, 0},
	    /* one more when it is over begins it anew */
	    {94, 'T', 1},
	    {150, 0, 1},
	    /* many at once count as one */
	    {0, 'T', 0},
	    {0, 'T', 0},
	    {1, 'T', 0},
	    /* a connection forgets */
	    {0, 'T', 0},
	    {1, 'C', 0},
	    {3, 'T', 0},
	    {5, 'T', 1},
	    {6, 'C', 0},
	    {9, 'T', 0},
	    /* refused: a sixth of the time */
	    {0, 'R', 0},
	    {2, 'R', 1},
	    {11, 0, 1},
	    {18, 0, 0},
	};
	uint8_t who = 0;

	(void)state;
	for (size_t i = 0; i < sizeof step / sizeof *step; i++) {
		int64_t now = 1 + step[i].now * MIN;

		who += step[i].now == 0 && (i == 0 || step[i - 1].now != 0);
		if (step[i].reach != 0)
			note(who, step[i].reach, now);
		if (is_dead(who, now) != step[i].dead)
			fail_msg("step %zu", i);
	}
}

static void is_bounded(void **state)
{
	struct remotejob_tried t = {.count = 1, .at[0].reach = 'T'};

	(void)state;
	memset(&memory, 0, sizeof memory);
	for (uint32_t i = 0; i < 1000; i++) {
		memcpy(t.at[0].addr, &i, sizeof i);
		memory_note(&memory, &t, i);
		memory_note(&memory, &t, i + MEMORY_GAP);
	}
	assert_int_equal(memory.n, MEMORY_SIZE);
	assert_int_equal(memory_dead(&memory, MEMORY_GAP + 1000).count, MEMORY_SIZE);
	assert_int_equal(memory_dead(&memory, 3L * MEMORY_TIMEOUT).count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rule),
	    cmocka_unit_test(is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
