/* What a login may send in an hour. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exact.h"

#include "../../qqueue/sending.h"
#include "control.h"
#include "paths.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };

static char home[] = "/tmp/test_sending.XXXXXX";
static struct sending sending;

static void put_limits(const char *text)
{
	char path[LIMIT_PATH];
	FILE *f = fopen(path_join(path, sizeof path, paths.control, "userlimit"), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int load(const char *text)
{
	sending_free(&sending);
	put_limits(text);
	return sending_load(&sending);
}

static int count(const char *login, size_t n, int64_t now, int sent)
{
	char *name = exact(login, strlen(login) + 1);
	struct sender *who;
	struct amount used;
	int r = sending_count(&sending, name, n, now, &who, &used);

	free(name);
	if (who != NULL)
		sending_settle(who, n, sent);
	assert_int_equal(who != NULL, r == SENDING_OK);
	return r;
}

static void reads_limits(void **state)
{
	static const char *const good[] = {"", "joe:1:2\n", ":1:2\n", ":0:0\n",
					   "# x\n\njoe@q.example:10:20\n:1:1\n"};
	static const char *const bad[] = {
	    "joe\n",      "joe:1\n",   "joe:1:\n",   "joe::1\n",           "joe:1:2:3\n",
	    "joe:-1:2\n", "joe:1:x\n", "joe: 1:2\n", "joe:1:99999999999\n"};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_int_equal(load(good[i]), 0);
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (load(bad[i]) != -1)
			fail_msg("taken: %s", bad[i]);
		assert_non_null(strstr(control_error(), "userlimit"));
	}
}

static void limits_messages(void **state)
{
	(void)state;
	assert_int_equal(load(":3:100\nann:5:100\nfree:0:0\n"), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(count("joe", 1, 0, 1), SENDING_OK);
	assert_int_equal(count("joe", 1, 0, 1), SENDING_ALARM);
	assert_int_equal(count("joe", 1, 1, 1), SENDING_OVER); /* said once */
	assert_int_equal(count("JOE", 1, 1, 1), SENDING_OVER);
	for (int i = 0; i < 5; i++)
		assert_int_equal(count("ann", 1, 0, 1), SENDING_OK);
	assert_int_equal(count("Ann", 1, 0, 1), SENDING_ALARM);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(count("free", 10000, 0, 1), SENDING_OK);
}

static void limits_recipients(void **state)
{
	(void)state;
	assert_int_equal(load(":0:100\n"), 0);
	assert_int_equal(count("joe", 101, 0, 1), SENDING_ALARM);
	assert_int_equal(count("joe", 60, 0, 1), SENDING_OK);
	assert_int_equal(count("joe", 41, 0, 1), SENDING_OVER);
	assert_int_equal(count("joe", 40, 0, 1), SENDING_OK);
	assert_int_equal(count("joe", 1, 0, 1), SENDING_OVER);
}

static void gives_back_what_failed(void **state)
{
	struct sender *who;
	struct amount used;

	(void)state;
	assert_int_equal(load(":1:10\n"), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(count("joe", 10, 0, 0), SENDING_OK);
	/* What is under way counts. */
	assert_int_equal(sending_count(&sending, "joe", 1, 0, &who, &used), SENDING_OK);
	assert_int_equal(count("joe", 1, 0, 0), SENDING_ALARM);
	sending_settle(who, 1, 0);
	assert_int_equal(count("joe", 1, 0, 1), SENDING_OK);
	assert_int_equal(count("joe", 1, 0, 1), SENDING_OVER);
}

/* The hour slides: half of it later, half of what was sent is in reach. */
static void hours_go_by(void **state)
{
	(void)state;
	assert_int_equal(load(":10:0\n"), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(count("joe", 1, 59 * MINUTE, 1), SENDING_OK);
	assert_int_equal(count("joe", 1, 60 * MINUTE, 1), SENDING_ALARM);
	assert_int_equal(count("joe", 1, 119 * MINUTE, 1), SENDING_OVER);
	for (int i = 0; i < 5; i++)
		assert_int_equal(count("joe", 1, 59 * MINUTE + HOUR + HOUR / 2, 1),
				 SENDING_OK);
	assert_int_equal(count("joe", 1, 59 * MINUTE + HOUR + HOUR / 2, 1),
			 SENDING_ALARM);
	for (int i = 0; i < 10; i++)
		assert_int_equal(count("joe", 1, 10 * (int64_t)HOUR, 1), SENDING_OK);
	assert_int_equal(count("joe", 1, 10 * (int64_t)HOUR, 1), SENDING_ALARM);
}

/* Memory is bounded, and who is idle makes way. */
static void forgets(void **state)
{
	char name[32];
	struct sender *who;
	struct amount used;

	(void)state;
	assert_int_equal(load(""), 0);
	assert_int_equal(sending_count(&sending, "open", 1, 0, &who, &used), SENDING_OK);
	for (int i = 1; i < SENDING_MAX; i++) {
		(void)snprintf(name, sizeof name, "u%d", i);
		assert_int_equal(count(name, 1, 0, 1), SENDING_OK);
	}
	assert_int_equal(sending_count(&sending, "more", 1, HOUR, &who, &used), -1);
	assert_int_equal(count("u7", 1, HOUR, 1), SENDING_OK);
	assert_int_equal(count("more", 1, 2 * (int64_t)HOUR, 1), SENDING_OK);
	assert_int_equal(sending.count, 3); /* open, u7, more */
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(home) == NULL || paths_under(home) == -1 ||
		       mkdir(paths.control, 0700) == -1
		   ? -1
		   : 0;
}

static int teardown(void **state)
{
	char path[LIMIT_PATH];

	(void)state;
	sending_free(&sending);
	(void)unlink(path_join(path, sizeof path, paths.control, "userlimit"));
	(void)rmdir(paths.control);
	return rmdir(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_limits),      cmocka_unit_test(limits_messages),
	    cmocka_unit_test(limits_recipients), cmocka_unit_test(gives_back_what_failed),
	    cmocka_unit_test(hours_go_by),       cmocka_unit_test(forgets),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
