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

#include "../../qsend/due.h"

static void orders_by_due_then_id(void **state)
{
	struct due d = {0};
	uint64_t seed = 1;
	uint32_t last = 0;
	uint64_t last_ns = 0;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct entry e = {.ns = (uint64_t)i};

		seed = seed * 6364136223846793005U + 1442695040888963407U;
		e.due = (uint32_t)(seed >> 50) % 100;
		assert_int_equal(due_push(&d, &e), 0);
	}
	for (int i = 0; i < 5000; i++) {
		struct entry e = due_pop(&d);

		assert_true(e.due > last ||
			    (e.due == last && (i == 0 || e.ns > last_ns)));
		last = e.due;
		last_ns = e.ns;
	}
	assert_null(due_top(&d));
	due_free(&d);
}

static enum due_change now_50(void *arg, struct entry *e)
{
	(void)arg;
	if (e->due > 50)
		e->due = 50;
	return DUE_CHANGED;
}

static enum due_change take_thirds(void *arg, struct entry *e)
{
	(*(int *)arg)++;
	return e->ns % 3 == 0 ? DUE_TAKEN : DUE_KEPT;
}

static void all_and_one(void **state)
{
	struct due d = {0};

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		struct entry e = {
		    .ns = i, .random = ~i, .due = 5000 + i, .flags = ENTRY_RESUMED};

		assert_int_equal(due_push(&d, &e), 0);
	}
	assert_int_equal(due_has(&d, 777, ~777U), 1);
	assert_int_equal(due_has(&d, 777, 1), 0);
	assert_int_equal(due_forget(&d, 777, ~777U), 1);
	assert_int_equal(due_has(&d, 777, ~777U), 0);
	assert_int_equal(due_walk(&d, now_50, NULL), 999);
	for (uint64_t i = 0; i < 1000; i++) {
		struct entry e;

		if (i == 777)
			continue;
		e = due_pop(&d);
		assert_int_equal(e.ns, i);
		assert_int_equal(e.due, 50);
	}
	due_free(&d);
}

static void forgets_one(void **state)
{
	struct due d = {0};
	uint32_t last = 0;

	(void)state;
	for (uint32_t i = 0; i < 500; i++) {
		struct entry e = {.ns = i, .due = i * 7919 % 500};

		assert_int_equal(due_push(&d, &e), 0);
	}
	for (uint32_t i = 0; i < 500; i += 3)
		assert_int_equal(due_forget(&d, i, 0), 1);
	assert_int_equal(due_forget(&d, 3, 0), 0);
	assert_int_equal(due_forget(&d, 4, 1), 0);
	assert_int_equal(d.n, 333);
	while (d.n > 0) {
		struct entry e = due_pop(&d);

		assert_true(e.due >= last && e.ns % 3 != 0);
		last = e.due;
	}
	due_free(&d);
}

static void takes_many(void **state)
{
	struct due d = {0};
	uint32_t last = 0;
	int seen = 0;

	(void)state;
	for (uint32_t i = 0; i < 20000; i++) {
		struct entry e = {.ns = i, .due = i * 7919 % 500};

		assert_int_equal(due_push(&d, &e), 0);
	}
	assert_int_equal(due_walk(&d, take_thirds, &seen), 6667);
	assert_int_equal(seen, 20000);
	while (d.n > 0) {
		struct entry e = due_pop(&d);

		assert_true(e.due >= last && e.ns % 3 != 0);
		last = e.due;
	}
	assert_true(d.cap <= 4096); /* the memory went back */
	due_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(orders_by_due_then_id),
	    cmocka_unit_test(all_and_one),
	    cmocka_unit_test(forgets_one),
	    cmocka_unit_test(takes_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
