#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../qsend/retry.h"

enum { HOUR = 3600, DAY = 86400, WEEK = 7 * DAY, YEAR = 365 * DAY };
static const uint64_t start = 1795262649; /* 2026 */

static void tick(struct clocks *c, uint64_t wall, uint32_t mono)
{
	(void)clocks_tick(c, wall * 1000000000, (int64_t)mono * 1000);
}

/* qmail's times, in seconds after the birth, of attempts that take none. */
static void qmail_schedule(void **state)
{
	static const struct {
		unsigned skip;
		uint64_t ages[8];
	} cases[] = {
	    {20, {400, 1600, 3600, 6400, 10000, 14400, 19600, 25600}},
	    {10, {100, 400, 900, 1600, 2500, 3600, 4900, 6400}},
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint64_t age = 0;

		for (size_t k = 0; k < 8; k++) {
			age += retry_pause(age, cases[i].skip);
			assert_int_equal(age, cases[i].ages[k]);
		}
	}
	/* a late attempt moves the next one */
	assert_int_equal(1000 + retry_pause(1000, 20), 51 * 51);
	assert_int_equal(retry_pause(UINT64_MAX / 4, 20), UINT32_MAX / 4);
}

static void resumes_on_schedule(void **state)
{
	(void)state;
	assert_int_equal(retry_resume(0, 20), 400);
	assert_int_equal(1000 + retry_resume(1000, 20), 1600);
	assert_int_equal(1600 + retry_resume(1600, 20), 3600);
	assert_int_equal(1599 + retry_resume(1599, 20), 1600);
	assert_int_equal(1000 + retry_resume(1000, 10), 1600);
	for (uint64_t age = 0; age < 3 * WEEK; age += 997)
		assert_true(retry_resume(age, 10) <= retry_resume(age, 20));
}

static void steps_are_seen(void **state)
{
	struct clocks c = {0};

	(void)state;
	tick(&c, start, 100);
	assert_int_equal(c.step, 0);
	tick(&c, start + 100, 200);
	assert_int_equal(c.step, 0);
	/* slewed: 500 ppm over ten minutes */
	assert_int_equal(clocks_tick(&c, (start + 700) * 1000000000 + 300000000, 800000),
			 0);
	assert_int_equal(c.step, 0);
	assert_int_equal(clocks_tick(&c, (start + 700 + YEAR) * 1000000000, 800000),
			 YEAR - 1);
	assert_int_equal(c.step, 800);
	assert_int_equal(clocks_tick(&c, (start + 800) * 1000000000, 900000), -YEAR);
	assert_int_equal(c.step, 900);
	assert_int_equal(retry_age(start + 5000, &c), 0);
}

/* A message that is deferred for ever, and a wall clock that steps. */
struct life {
	uint64_t birth;
	uint32_t mono;  /* when this qsend saw it first */
	int64_t offset; /* wall - mono at that time */
	struct {
		uint32_t mono; /* 0: none */
		int64_t by;
	} step[3];
	uint64_t lifetime;
	unsigned skip;
	int no_network;
	int found; /* there at our start */
};

/* mono seconds from first sight to the attempt that is the last, 0: none in limit. */
static uint32_t live(const struct life *l, uint32_t limit)
{
	struct clocks c = {0};
	struct entry e = {
	    .seen = l->mono, .due = l->mono, .flags = l->found ? ENTRY_FOUND : 0};
	int64_t offset = l->offset;
	size_t k = 0;

	tick(&c, (uint64_t)(l->mono + offset), l->mono);
	while (e.due - l->mono <= limit) {
		for (; k < 3 && l->step[k].mono != 0 && l->step[k].mono <= e.due; k++) {
			tick(&c, (uint64_t)(l->step[k].mono + offset), l->step[k].mono);
			offset += l->step[k].by;
			tick(&c, (uint64_t)(l->step[k].mono + offset), l->step[k].mono);
		}
		tick(&c, (uint64_t)(e.due + offset), e.due);
		if (retry_expires(&e, l->birth, l->lifetime, &c) && !l->no_network)
			return e.due - l->mono;
		retry_later(&e, l->birth, l->lifetime, l->skip, !l->no_network, &c);
	}
	return 0;
}

struct life_case {
	const char *name;
	struct life l;
	uint32_t from, to; /* the last attempt; 0: none in 30 days */
};

#define NORMAL .birth = 1795262649, .mono = 1000, .offset = 1795262649 - 1000
static const struct life_case lives[] = {
    {"normal", {NORMAL, .lifetime = WEEK, .skip = 20}, WEEK, WEEK + 2},
    {"local", {NORMAL, .lifetime = WEEK, .skip = 10}, WEEK, WEEK + 2},
    {"short life", {NORMAL, .lifetime = 5, .skip = 20}, 5, 7},
    {"a year ahead, and back",
     {NORMAL, .lifetime = WEEK, .skip = 20, .step = {{4600, YEAR}, {12000, -YEAR}}},
     WEEK,
     WEEK + 2},
    {"a year ahead for good",
     {NORMAL, .lifetime = WEEK, .skip = 20, .step = {{4600, YEAR}}},
     WEEK,
     WEEK + 3 * HOUR},
    {"a year ahead for good, found at the start",
     {NORMAL, .lifetime = WEEK, .skip = 20, .step = {{4600, YEAR}}, .found = 1},
     3600 + 4 * HOUR,
     3600 + 6 * HOUR},
    {"a year back",
     {NORMAL, .lifetime = WEEK, .skip = 20, .step = {{4600, -YEAR}}},
     0,
     0},
    {"a year back, and on",
     {NORMAL, .lifetime = WEEK, .skip = 20, .step = {{4600, -YEAR}, {90000, YEAR}}},
     WEEK,
     WEEK + 6 * HOUR},
    {"ahead at the last moment",
     {NORMAL, .lifetime = WEEK, .skip = 20, .step = {{1000 + WEEK - 600, YEAR}}},
     WEEK,
     WEEK + 3 * HOUR},
    {"no clock at boot",
     {.birth = 1000,
      .mono = 1000,
      .offset = 0,
      .lifetime = WEEK,
      .skip = 20,
      .step = {{1100, 1795262649}}},
     WEEK,
     WEEK + 3 * HOUR},
    {"an old message after a restart",
     {.birth = 1795262649 - 2 * WEEK,
      .mono = 1000,
      .offset = 1795262649 - 1000,
      .lifetime = WEEK,
      .skip = 20,
      .found = 1},
     4 * HOUR,
     4 * HOUR + 60},
    {"no network", {NORMAL, .lifetime = WEEK, .skip = 20, .no_network = 1}, 0, 0},
};

static void nothing_expires_by_a_step(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) {
		const struct life_case *l = &lives[i];
		uint32_t last = live(&l->l, 30 * DAY);

		if (last < l->from || last > l->to)
			fail_msg("%s: after %u s, want %u to %u", l->name, last, l->from,
				 l->to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(qmail_schedule),
	    cmocka_unit_test(resumes_on_schedule),
	    cmocka_unit_test(steps_are_seen),
	    cmocka_unit_test(nothing_expires_by_a_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
