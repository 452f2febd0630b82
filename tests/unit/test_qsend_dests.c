/* qsend/dests with clocks of the test's own: windows, rates, rests, the bounded table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../qsend/dests.h"
#include "job.h"
#include "paths.h"

static struct dests t;
static const int64_t t0 = 1000000;
enum { S = 1000 };

static struct dest *get(const char *name, int64_t now)
{
	return dests_get(&t, dests_hash(&t, "", name), "", name, now);
}

/* One job that takes no time. */
static enum dest_news job(struct dest *d, char pace, int good, int64_t now)
{
	dest_take(&t, d, now);
	dest_give(&t, d);
	return dest_tell(d, pace, good, now, now);
}

static int fresh(void **state)
{
	(void)state;
	dests_init(&t);
	return 0;
}

static int done(void **state)
{
	(void)state;
	dests_free(&t);
	return 0;
}

static void window_opens(void **state)
{
	struct dest *d = get("a.example", t0);
	int jobs = 0;

	(void)state;
	assert_int_equal(d->window, DEST_START);
	for (int i = 0; i < DEST_START; i++) {
		assert_int_equal(dest_ask(d, t0, 0), DEST_GO);
		dest_take(&t, d, t0);
	}
	assert_int_equal(dest_ask(d, t0, 0), DEST_WAIT);
	assert_int_equal(dest_ask(d, t0, 1), DEST_GO); /* who insists has the limit */
	for (int i = 0; i < DEST_START; i++)
		dest_give(&t, d);
	for (; d->window < d->limit; jobs++)
		(void)job(d, PACE_NONE, 1, t0);
	assert_int_equal(d->window, DEST_LIMIT);
	assert_int_equal(jobs, 180); /* 5 + 6 + ... + 19 */
	for (int i = 0; i < 100; i++)
		(void)job(d, PACE_NONE, 1, t0);
	assert_int_equal(d->window, DEST_LIMIT);
}

static void slow_halves_and_rests(void **state)
{
	struct dest *d = get("a.example", t0);
	int64_t now = t0;
	unsigned rest = DEST_SLOW;

	(void)state;
	d->window = 16;
	assert_int_equal(job(d, PACE_SLOW, 0, now), DEST_IS_SLOW);
	assert_int_equal(d->window, 8);
	/* the other jobs of that time say nothing new */
	assert_int_equal(dest_tell(d, PACE_SLOW, 0, now - 1, now + 5), DEST_SAME);
	assert_int_equal(d->window, 8);
	assert_int_equal(dest_ask(d, now + DEST_SLOW * S - 1, 0), DEST_WAIT);
	assert_int_equal(dest_ask(d, now + DEST_SLOW * S - 1, 1), DEST_GO);
	assert_int_equal(dest_ask(d, now + DEST_SLOW * S, 0), DEST_GO);
	for (int i = 0; i < 20; i++) {
		now = d->slow_until > d->next ? d->slow_until : d->next;
		(void)job(d, PACE_SLOW, 0, now);
		rest = 2 * rest > DEST_SLOW_MAX ? DEST_SLOW_MAX : 2 * rest;
		assert_int_equal(d->slow_until - now, (int64_t)rest * S);
	}
	assert_int_equal(d->window, 1);
	assert_int_equal(d->gap, DEST_GAP_MAX);
	/* step by step it is as it was */
	for (int i = 0; d->gap > 0 || d->window < d->limit; i++) {
		assert_true(i < 1000);
		now = d->slow_until > d->next ? d->slow_until : d->next;
		(void)job(d, PACE_NONE, 1, now);
	}
	assert_int_equal(d->slow, 0);
}

static void dead_is_passed_over(void **state)
{
	struct dest *d = get("a.example", t0);
	int64_t now = t0;
	unsigned rest = DEST_DEAD;

	(void)state;
	assert_int_equal(job(d, PACE_UNREACHABLE, 0, now), DEST_IS_DEAD);
	assert_int_equal(dest_tell(d, PACE_UNREACHABLE, 0, now - 1, now + 5), DEST_SAME);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(d->dead_until - now, (int64_t)rest * S);
		assert_int_equal(dest_ask(d, d->dead_until - 1, 0), DEST_PASS);
		assert_int_equal(dest_ask(d, d->dead_until - 1, 1), DEST_GO);
		now = d->dead_until;
		assert_int_equal(dest_ask(d, now, 0), DEST_GO);
		dest_take(&t, d, now);
		assert_int_equal(dest_ask(d, now, 0), DEST_WAIT); /* one shows it */
		dest_give(&t, d);
		assert_int_equal(dest_tell(d, PACE_UNREACHABLE, 0, now, now),
				 DEST_IS_DEAD);
		rest = 2 * rest > DEST_DEAD_MAX ? DEST_DEAD_MAX : 2 * rest;
	}
	now = d->dead_until;
	assert_int_equal(job(d, PACE_NONE, 0, now),
			 DEST_SAME); /* a deferral shows nothing */
	assert_int_equal(job(d, PACE_NONE, 1, now), DEST_IS_BACK);
	assert_int_equal(job(d, PACE_UNREACHABLE, 0, now + 1), DEST_IS_DEAD);
	assert_int_equal(d->dead, DEST_DEAD);
	/* and one that answers is not dead, whatever it answers */
	assert_int_equal(job(d, PACE_SLOW, 0, d->dead_until), DEST_IS_SLOW);
	assert_int_equal(d->dead, 0);
}

static void no_network_says_nothing(void **state)
{
	struct dest *d = get("a.example", t0);

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(job(d, PACE_NO_NETWORK, 0, t0), DEST_SAME);
	assert_int_equal(d->window, DEST_START);
	assert_int_equal(dest_ask(d, t0, 0), DEST_GO);
}

static void forgiven(void **state)
{
	struct dest *d = get("a.example", t0);

	(void)state;
	(void)job(d, PACE_UNREACHABLE, 0, t0);
	assert_int_equal(dest_rests(d, t0 + 1), 1);
	dest_forgive(d);
	assert_int_equal(dest_rests(d, t0 + 1), 0);
	assert_int_equal(dest_ask(d, t0 + 1, 0), DEST_GO);
}

/* Jobs that could begin in an hour, asked each 10 ms. */
static int in_an_hour(struct dest *d)
{
	int n = 0;

	for (int64_t now = t0; now < t0 + 3600 * S; now += 10)
		while (dest_ask(d, now, 0) == DEST_GO) {
			n++;
			(void)job(d, PACE_NONE, 1, now);
		}
	return n;
}

static void keeps_the_rate(void **state)
{
	static const unsigned rates[] = {1, 7, 60, 600, 6000};

	(void)state;
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		struct dest *d = get("a.example", t0);
		int n;

		d->rate = rates[i];
		d->next = 0;
		n = in_an_hour(d);
		assert_in_range(n, 60 * rates[i] - rates[i], 60 * rates[i] + 20);
	}
}

static void table_is_bounded(void **state)
{
	char name[32];
	struct dest *busy = get("busy.example", t0);
	struct dest *d;

	(void)state;
	dest_take(&t, busy, t0);
	for (int i = 0; i < 3 * DESTS_MAX; i++) {
		(void)snprintf(name, sizeof name, "d%d.example", i);
		assert_non_null(get(name, t0));
		assert_true(t.n <= DESTS_MAX);
	}
	assert_ptr_equal(dests_find(&t, dests_hash(&t, "", "busy.example")), busy);
	/* what is old goes by and by */
	for (int i = 0; i < 3 * DESTS_MAX; i++) {
		(void)snprintf(name, sizeof name, "e%d.example", i % 10);
		(void)get(name, t0 + (int64_t)DEST_MEMORY * S + i);
		(void)snprintf(name, sizeof name, "f%d.example", i);
		if (i < 2000)
			(void)get(name, t0 + (int64_t)DEST_MEMORY * S + i);
	}
	assert_true(t.n < DESTS_MAX);
	/* all in use: no place */
	for (int i = 0; i < 4 * DESTS_MAX; i++) {
		(void)snprintf(name, sizeof name, "g%d.example", i);
		d = get(name, t0);
		if (d != NULL)
			dest_take(&t, d, t0);
	}
	assert_null(get("one.more.example", t0));
}

static void timers(void **state)
{
	struct dest *d = get("a.example", t0);
	struct entry e = {.ns = 1, .due = (uint32_t)(t0 / S)};

	(void)state;
	assert_int_equal(dests_next(&t), INT64_MAX);
	assert_int_equal(due_push(&d->waiting[0], &e), 0);
	dest_arm(&t, d, t0);
	assert_int_equal(dests_next(&t), INT64_MAX); /* it may go: nothing to wait for */
	(void)job(d, PACE_SLOW, 0, t0);
	(void)dests_stirred(&t);
	dest_arm(&t, d, t0);
	assert_int_equal(dests_next(&t), t0 + DEST_SLOW * S);
	dests_tick(&t, t0 + DEST_SLOW * S - 1);
	assert_null(dests_stirred(&t));
	dests_tick(&t, t0 + DEST_SLOW * S);
	assert_ptr_equal(dests_stirred(&t), d);
	assert_null(dests_stirred(&t));
	(void)due_pop(&d->waiting[0]);
	e.due += 50; /* one that rests until later */
	assert_int_equal(due_push(&d->waiting[0], &e), 0);
	dest_arm(&t, d, t0 + DEST_SLOW * S);
	assert_int_equal(dests_next(&t), t0 + 50 * S);
}

static void reads_control_files(void **state)
{
	static char dir[] = "/tmp/test_qsend_dests.XXXXXX";
	char path[64];
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/control", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(paths_under(dir), 0);
	assert_int_equal(dests_load(&t), 0); /* none: the defaults */
	(void)snprintf(path, sizeof path, "%s/control/destconcurrency", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fputs("slow.example:1\n.wide.example:50\n:7\n", f);
	(void)fclose(f);
	assert_int_equal(get("a.example", t0)->limit, DEST_LIMIT);
	assert_int_equal(dests_load(&t), 0);
	assert_int_equal(get("a.example", t0)->limit, 7); /* known before */
	assert_int_equal(get("SLOW.example", t0)->limit, 1);
	assert_int_equal(get("slow.example", t0)->window, 1);
	assert_int_equal(get("wide.example", t0)->limit, 7);
	assert_int_equal(get("x.y.wide.example", t0)->limit, 50);
	assert_int_equal(dests_get(&t, 5, "slow.example 2525,b.example", "z", t0)->limit,
			 1);
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fputs(":0\n", f);
	(void)fclose(f);
	assert_int_equal(dests_load(&t), -1);
	assert_int_equal(get("a.example", t0)->limit, 7);
	assert_int_equal(unlink(path), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, fresh, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(window_opens),
	    CASE(slow_halves_and_rests),
	    CASE(dead_is_passed_over),
	    CASE(no_network_says_nothing),
	    CASE(forgiven),
	    CASE(keeps_the_rate),
	    CASE(table_is_bounded),
	    CASE(timers),
	    CASE(reads_control_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
