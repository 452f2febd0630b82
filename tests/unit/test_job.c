/* job: frames are read as they were written, and no other frame is. */
#include <errno.h>

#include "exact.h"

#include "job.h"
#include "sbuf.h"

#define ID "28cKHvPncUP2IdY3l"

static struct job sample(void)
{
	struct job j = {.slot = 65534,
			.id = ID,
			.msg_offset = 77,
			.msg_len = 1234567890,
			.msg_sum = "0123456789abcde",
			.birth = 1763726400,
			.sender = "a@b",
			.route = "mx.example 26",
			.nlogins = 2,
			.nrcpts = 2};

	j.logins[0] = (struct job_login){"mx.example", "a user", "a pass word"};
	j.logins[1] = (struct job_login){"other", "u", "p"};
	j.rcpts[0] = "c@d";
	j.rcpts[1] = "e@f";
	j.notify[1] = NOTIFY_SUCCESS;
	j.orcpt[1] = "rfc822;e@f";
	return j;
}

static void test_job(void **state)
{
	struct sbuf b = SBUF_INIT(LIMIT_FRAME);
	struct job j = sample();
	struct job back;
	char *p;

	(void)state;
	assert_int_equal(job_put(&b, &j), 0);
	p = exact(b.p, b.len);
	assert_int_equal(job_get(&back, p, b.len), 0);
	assert_int_equal(back.slot, j.slot);
	assert_string_equal(back.id, j.id);
	assert_true(back.msg_offset == j.msg_offset && back.msg_len == j.msg_len);
	assert_memory_equal(back.msg_sum, j.msg_sum, SUM_LEN);
	assert_true(back.birth == j.birth);
	assert_string_equal(back.sender, "a@b");
	assert_string_equal(back.route, "mx.example 26");
	assert_string_equal(job_login(&back, "MX.example")->password, "a pass word");
	assert_string_equal(job_login(&back, "other")->user, "u");
	assert_null(job_login(&back, "third"));
	assert_int_equal(back.nrcpts, 2);
	assert_string_equal(back.rcpts[1], "e@f");
	assert_int_equal(back.notify[1], NOTIFY_SUCCESS);
	assert_string_equal(back.orcpt[0], "");
	assert_string_equal(back.orcpt[1], "rfc822;e@f");
	assert_string_equal(back.envid, "");
	free(p);
	sbuf_free(&b);
}

static void test_job_of_every_wrong_length(void **state)
{
	struct sbuf b = SBUF_INIT(LIMIT_FRAME);
	struct job j = sample();

	(void)state;
	assert_int_equal(job_put(&b, &j), 0);
	assert_int_equal(sbuf_catc(&b, 'x'), 0);
	for (size_t n = 0; n <= b.len; n++) {
		char *p = exact(b.p, n);

		assert_int_equal(job_get(&j, p, n), n == b.len - 1 ? 0 : -1);
		free(p);
	}
	sbuf_free(&b);
}

static void refuse(struct job j)
{
	struct sbuf b = SBUF_INIT(LIMIT_FRAME);
	struct job back;

	assert_int_equal(job_put(&b, &j), 0);
	assert_int_equal(job_get(&back, b.p, b.len), -1);
	assert_int_equal(errno, EBADMSG);
	sbuf_free(&b);
}

static void test_bad_jobs(void **state)
{
	char long_name[LIMIT_ADDRESS + 2];
	char long_route[LIMIT_ROUTE + 2];
	struct job j;

	(void)state;
	memset(long_name, 'a', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = '\0';
	memset(long_route, 'a', sizeof long_route - 1);
	long_route[sizeof long_route - 1] = '\0';
	j = sample(), j.id = "../../../../etc/x", refuse(j);
	j = sample(), j.id = "", refuse(j);
	j = sample(), j.nrcpts = 0, refuse(j);
	j = sample(), j.flags = 6, refuse(j);
	j = sample(), j.slot = 65535, refuse(j);
	j = sample(), j.msg_len = UINT64_MAX, refuse(j);
	j = sample(), j.msg_offset = UINT64_MAX, refuse(j);
	j = sample(), j.sender = long_name, refuse(j);
	j = sample(), j.route = long_route, refuse(j);
	j = sample(), j.rcpts[1] = long_name, refuse(j);
	j = sample(), j.rcpts[1] = "", refuse(j);
	j = sample(), j.envid = long_name, refuse(j);
	j = sample(), j.orcpt[1] = long_name, refuse(j);
	j = sample(), j.notify[1] = NOTIFY_NEVER | NOTIFY_DELAY, refuse(j);
	j = sample(), j.notify[0] = 16, refuse(j);
	j = sample(), j.logins[1].host = "", refuse(j);
	j = sample(), j.logins[0].user = "", refuse(j);
	j = sample(), j.logins[0].password = "", refuse(j);
	j = sample(), j.logins[0].user = long_name, refuse(j);
	j = sample(), j.logins[0].host = long_route, refuse(j);
	j = sample(), j.logins[0].password = long_route, refuse(j);
}

static void test_report(void **state)
{
	struct sbuf b = SBUF_INIT(LIMIT_FRAME);
	struct report r = {.slot = 3, .count = 3};
	struct report back;

	(void)state;
	memcpy(r.letter, "KZR", 3);
	r.pace = PACE_SLOW;
	r.text[0] = "";
	r.text[1] = "two\nlines";
	r.text[2] = "no";
	assert_int_equal(report_put(&b, &r), 0);
	for (size_t n = 0; n <= b.len; n++) {
		char *p = exact(b.p, n);

		assert_int_equal(report_get(&back, p, n), n == b.len ? 0 : -1);
		if (n == b.len) {
			assert_memory_equal(back.letter, "KZR", 3);
			assert_int_equal(back.pace, PACE_SLOW);
			assert_string_equal(back.text[1], "two lines");
		}
		free(p);
	}
	assert_int_equal(sbuf_catc(&b, 'x'), 0);
	assert_int_equal(report_get(&back, b.p, b.len), -1);
	sbuf_free(&b);
}

static void test_bad_reports(void **state)
{
	static const struct {
		const char *p;
		size_t n;
	} row[] = {
	    {"\0\1O\0\0", 5},       {"\0\1O\0\1Y\0", 7},  {"\0\1O\0\1\0\0", 7},
	    {"\0\1O\0\2K\0", 7},    {"\0\1O\xff\xff", 5}, {"\0\1O\0\1Kabc", 9},
	    {"\0\1O\0\1K\0K\0", 9}, {"\0\1X\0\1K\0", 7},  {"\0\1\0\0\1K\0", 7},
	};
	struct report r;

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		char *p = exact(row[i].p, row[i].n);

		assert_int_equal(report_get(&r, p, row[i].n), -1);
		assert_int_equal(errno, EBADMSG);
		free(p);
	}
}

static void test_full(void **state)
{
	struct sbuf b = SBUF_INIT(LIMIT_FRAME);
	struct job j = sample();
	char name[LIMIT_ADDRESS + 1];
	char text[2 * LIMIT_TEXT];
	struct report r;

	(void)state;
	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	memset(text, 't', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	j.nrcpts = LIMIT_JOBRCPTS;
	j.sender = j.route = name;
	for (int i = 0; i < LIMIT_JOBRCPTS; i++)
		j.rcpts[i] = name;
	/* the largest job and the largest report fit into a frame */
	assert_int_equal(job_put(&b, &j), 0);
	assert_int_equal(job_get(&j, b.p, b.len), 0);
	assert_int_equal(report_all(&b, &j, 'Z', text), 0);
	assert_int_equal(report_get(&r, b.p, b.len), 0);
	assert_int_equal(r.count, LIMIT_JOBRCPTS);
	assert_int_equal(strlen(r.text[49]), LIMIT_TEXT);
	sbuf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_job),
	    cmocka_unit_test(test_job_of_every_wrong_length),
	    cmocka_unit_test(test_bad_jobs),
	    cmocka_unit_test(test_report),
	    cmocka_unit_test(test_bad_reports),
	    cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
