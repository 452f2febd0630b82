/* What a login may send in an hour. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exact.h"

#include "../../qqueue/counts.h"
#include "../../qqueue/sending.h"
#include "clock.h"
#include "control.h"
#include "paths.h"
#include "sum.h"

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
		sending_settle(&sending, who, who->hour, n, sent);
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
	sending_settle(&sending, who, who->hour, 1, 0);
	assert_int_equal(count("joe", 1, 0, 1), SENDING_OK);
	assert_int_equal(count("joe", 1, 0, 1), SENDING_OVER);
}

/* Ten are held open while the hour turns, ten are sent, the ten fail: those stay counted. */
static void gives_back_to_its_hour(void **state)
{
	struct sender *who[10];
	int64_t hour[10];
	struct amount used;

	(void)state;
	assert_int_equal(load(":10:0\n"), 0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(sending_count(&sending, "joe", 1, 0, &who[i], &used),
				 SENDING_OK);
		hour[i] = who[i]->hour;
	}
	for (int i = 0; i < 9; i++)
		assert_int_equal(count("joe", 1, 2 * HOUR - MINUTE, 1), SENDING_OK);
	for (int i = 0; i < 5; i++)
		sending_settle(&sending, who[i], hour[i], 1, 0);
	assert_int_equal(count("joe", 1, 2 * HOUR - MINUTE, 1), SENDING_OK);
	assert_int_equal(count("joe", 1, 2 * HOUR - MINUTE, 1), SENDING_ALARM);
	assert_int_equal(count("joe", 1, 4 * (int64_t)HOUR, 1), SENDING_OK);
	for (int i = 5; i < 10; i++)
		sending_settle(&sending, who[i], hour[i], 1, 0);
	assert_int_equal(count("joe", 9, 4 * (int64_t)HOUR, 1), SENDING_OK);
	(void)sending_count(&sending, "joe", 1, 4 * (int64_t)HOUR, &who[0], &used);
	assert_int_equal(used.messages, 2);
	sending_settle(&sending, who[0], who[0]->hour, 1, 1);
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

/* ---- kept in a file ---- */

enum { KEPT_BYTES = 1 << 23 };

static const uint64_t noon = (uint64_t)1800000000 * 1000;

static void put_kept(struct sbuf *b, int64_t now, uint64_t wall)
{
	sbuf_init(b, KEPT_BYTES);
	assert_int_equal(counts_put(b, &sending, now, wall), 0);
}

static int take_kept(const struct sbuf *b, int64_t now, uint64_t wall)
{
	char *p = exact(b->p, b->len);
	int r = counts_take(&sending, p, b->len, now, wall);

	free(p);
	return r;
}

/* In another life, whose monotonic clock begins anew. passed: what the wall clock says. */
static int64_t after_restart(int64_t then, int64_t passed, int64_t now)
{
	struct sbuf b;

	put_kept(&b, then, noon);
	assert_int_equal(load(":10:0\n"), 0);
	assert_int_equal(take_kept(&b, now, noon + (uint64_t)passed), 0);
	sbuf_free(&b);
	return now;
}

static int left_for(const char *login, int64_t now)
{
	int n = 0;

	while (count(login, 1, now, 1) == SENDING_OK)
		n++;
	return n;
}

static void outlives_a_restart(void **state)
{
	static const struct {
		const char *name;
		int64_t then, passed;
		int left;
	} table[] = {
	    {"at once", 5 * MINUTE, 0, 3},
	    {"within the hour", 5 * MINUTE, 54 * MINUTE, 3},
	    {"half of it in reach", 0, HOUR + HOUR / 2, 7}, /* 7 * 1/2 counts for 3 */
	    {"the clock was set back", 5 * MINUTE, -(int64_t)10 * HOUR, 3},
	    {"long ago", 5 * MINUTE, 2 * HOUR, 10},
	    {"the clock was set forward", 5 * MINUTE, 1000000 * (int64_t)HOUR, 10},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		int64_t now;

		assert_int_equal(load(":10:0\n"), 0);
		for (int j = 0; j < 7; j++)
			assert_int_equal(count("Joe", 3, 0, 1), SENDING_OK);
		now = after_restart(table[i].then, table[i].passed, 17);
		assert_int_equal(sending.count, table[i].left < 10);
		if (left_for("joe", now) != table[i].left)
			fail_msg("%s", table[i].name);
		assert_int_equal(left_for("ann", now), 10);
	}
}

static void keeps_recipients_and_alarms(void **state)
{
	struct sbuf b;

	(void)state;
	assert_int_equal(load(":0:10\n"), 0);
	assert_int_equal(count("joe", 8, 0, 1), SENDING_OK);
	assert_int_equal(count("joe", 3, 0, 1), SENDING_ALARM);
	put_kept(&b, 1, noon);
	for (int again = 0; again < 2; again++) { /* what is read is written the same */
		assert_int_equal(load(":0:10\n"), 0);
		assert_int_equal(take_kept(&b, 1000 + again, noon), 0);
		sbuf_free(&b);
		put_kept(&b, 1000 + again, noon);
	}
	assert_int_equal(count("joe", 3, 1001, 1), SENDING_OVER);
	assert_int_equal(count("joe", 2, 1001, 1), SENDING_OK);
	assert_int_equal(count("joe", 1, 1001 + HOUR - 1, 1), SENDING_ALARM);
	sbuf_free(&b);
}

static void says_what_has_changed(void **state)
{
	struct sender *who;
	struct amount used;

	(void)state;
	assert_int_equal(load(":1:0\n"), 0);
	sending.changed = 0;
	assert_int_equal(sending_count(&sending, "joe", 1, 0, &who, &used), SENDING_OK);
	assert_true(sending.changed);
	sending.changed = 0;
	assert_int_equal(count("joe", 1, 0, 1), SENDING_ALARM);
	assert_true(sending.changed);
	sending.changed = 0;
	assert_int_equal(count("joe", 1, 0, 1), SENDING_OVER);
	assert_false(sending.changed);
	sending_settle(&sending, who, who->hour, 1, 0);
	assert_true(sending.changed);
}

/* Who sent nothing is not kept, nor a login that nobody can have. */
static void keeps_what_counts(void **state)
{
	char longest[COUNTS_LOGIN + 1 + 1];
	struct sbuf b;

	(void)state;
	assert_int_equal(load(""), 0);
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(count(longest, 1, 0, 1), SENDING_OK);
	assert_int_equal(count(longest + 1, 1, 0, 1), SENDING_OK);
	assert_int_equal(count("failed", 1, 0, 0), SENDING_OK);
	put_kept(&b, 0, noon);
	assert_int_equal(load(""), 0);
	assert_int_equal(take_kept(&b, 0, noon), 0);
	assert_int_equal(sending.count, 1);
	sbuf_free(&b);
}

static void take_wrong(const char *what, const struct sbuf *b)
{
	errno = 0;
	if (take_kept(b, 0, noon) != -1 || errno != EBADMSG || sending.count != 0)
		fail_msg("taken: %s", what);
}

static void refuses_damage(void **state)
{
	struct sbuf b;
	size_t len;

	(void)state;
	assert_int_equal(load(""), 0);
	assert_int_equal(count("joe", 1, 0, 1), SENDING_OK);
	assert_int_equal(count("ann", 1, 0, 1), SENDING_OK);
	put_kept(&b, 0, noon);
	assert_int_equal(load(""), 0);
	len = b.len;
	for (b.len = 0; b.len < len; b.len++)
		take_wrong("cut", &b);
	for (size_t i = 0; i < len; i++) {
		b.p[i] ^= 0x10;
		take_wrong("a bit is wrong", &b);
		b.p[i] ^= 0x10;
	}
	assert_int_equal(sbuf_catc(&b, 'x'), 0);
	take_wrong("a byte more", &b);
	sbuf_free(&b);
}

/* Records whose sum is right. */
static void refuses_wrong_records(void **state)
{
#define HEAD       \
	"quoin-c1" \
	"\0\0\0\0\0\0\0\1"
#define ZERO "\0\0\0\0"
#define ONE  "\0\0\0\1"
#define FOUR ONE ONE ZERO ZERO
	static const struct {
		const char *name, *p;
		size_t n;
		int want;
	} table[] = {
#define ROW(name, text, want) {name, text, sizeof text - 1, want}
	    ROW("none", HEAD ZERO, 0),
	    ROW("one", HEAD ONE ZERO ZERO FOUR "joe\0", 0),
	    ROW("another version",
		"quoin-c2"
		"\0\0\0\0\0\0\0\1" ZERO,
		-1),
	    ROW("no number", HEAD, -1),
	    ROW("fewer than said", HEAD "\0\0\0\2" ZERO ZERO FOUR "joe\0", -1),
	    ROW("more than said", HEAD ZERO ZERO ZERO FOUR "joe\0", -1),
	    ROW("too many", HEAD "\xff\xff\xff\xff" ZERO ZERO FOUR "joe\0", -1),
	    ROW("oldest", HEAD ONE "\x00\x36\xee\x7f" ZERO FOUR "joe\0", 0),
	    ROW("too old", HEAD ONE "\x00\x36\xee\x80" ZERO FOUR "joe\0", -1),
	    ROW("quiet too long", HEAD ONE ZERO "\x00\x36\xee\x81" FOUR "joe\0", -1),
	    ROW("no login", HEAD ONE ZERO ZERO FOUR "\0", -1),
	    ROW("no end of a login", HEAD ONE ZERO ZERO FOUR "joe", -1),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct sbuf b = SBUF_INIT(1000);
		uint8_t sum[SUM_LEN];
		struct sum s;

		assert_int_equal(load(""), 0);
		sum_init(&s);
		sum_add(&s, table[i].p, table[i].n);
		sum_end(&s, sum);
		assert_int_equal(sbuf_cat(&b, table[i].p, table[i].n), 0);
		assert_int_equal(sbuf_cat(&b, sum, sizeof sum), 0);
		if (take_kept(&b, 0, 1) != table[i].want)
			fail_msg("%s", table[i].name);
		sbuf_free(&b);
	}
}

/* As many as there may be. */
static void keeps_all(void **state)
{
	char name[64];
	struct sbuf b;

	(void)state;
	assert_int_equal(load(""), 0);
	for (int i = 0; i < SENDING_MAX; i++) {
		(void)snprintf(name, sizeof name, "u%d@a.long.domain.example", i);
		assert_int_equal(count(name, 1, 0, 1), SENDING_OK);
	}
	put_kept(&b, 0, noon);
	assert_int_equal(load(""), 0);
	assert_int_equal(take_kept(&b, 0, noon), 0);
	assert_int_equal(sending.count, SENDING_MAX);
	sbuf_free(&b);
}

/* ---- the file ---- */

static const char *in_queue(const char *name)
{
	static char path[LIMIT_PATH];

	return path_join(path, sizeof path, paths.queue, name);
}

static void begin_file(struct counts *c)
{
	assert_int_equal(mkdir(in_queue("sending"), 0700), 0);
	assert_int_equal(load(":10:0\n"), 0);
	sending.changed = 0;
	counts_open(c, &sending, 0);
	assert_int_not_equal(c->dir, -1);
}

static void end_file(const struct counts *c)
{
	assert_int_equal(close(c->dir), 0);
	(void)unlink(in_queue("sending/counts"));
	assert_int_equal(rmdir(in_queue("sending")), 0);
}

/* A disk that hangs: the loop must not be woken for what nobody can begin. */
static void is_not_due_while_it_is_written(void **state)
{
	struct counts c;

	(void)state;
	begin_file(&c);
	assert_true(counts_due(&c, &sending) == CLOCK_NEVER);
	assert_int_equal(count("joe", 1, 0, 1), SENDING_OK);
	assert_true(counts_due(&c, &sending) == 0);
	c.writing = 1;
	assert_true(counts_due(&c, &sending) == CLOCK_NEVER);
	end_file(&c);
}

/* Who is over his limit changes nothing: without another try he begins anew. */
static void is_due_again_when_it_failed(void **state)
{
	struct counts c;

	(void)state;
	begin_file(&c);
	assert_int_equal(count("joe", 1, 0, 1), SENDING_OK);
	assert_int_equal(mkdir(in_queue("sending/counts.new"), 0700), 0);
	counts_close(&c, &sending, 5);
	assert_true(counts_due(&c, &sending) == 5 + MINUTE);
	assert_int_equal(rmdir(in_queue("sending/counts.new")), 0);
	counts_close(&c, &sending, 6);
	assert_true(counts_due(&c, &sending) == CLOCK_NEVER);
	assert_int_equal(access(in_queue("sending/counts"), R_OK), 0);
	end_file(&c);
}

/* The file's clock may be years ahead: an hour of ours must end all the same. */
static void grows_older_where_the_clock_was_set_back(void **state)
{
	struct sbuf b;
	struct counts c;

	(void)state;
	begin_file(&c);
	for (int i = 0; i < 10; i++)
		assert_int_equal(count("joe", 1, 0, 1), SENDING_OK);
	put_kept(&b, 0, UINT64_MAX);
	for (int life = 0; life < 4; life++) {
		assert_int_equal(load(":10:0\n"), 0);
		sending.changed = 0;
		if (life == 0)
			assert_int_equal(take_kept(&b, 0, noon), 0);
		else
			counts_open(&c, &sending, 0);
		assert_int_equal(left_for("joe", 0) > 0, life == 3);
		counts_close(&c, &sending, 29 * MINUTE);
		if (life < 3)
			assert_int_equal(close(c.dir), 0);
	}
	sbuf_free(&b);
	end_file(&c);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(home) == NULL || paths_under(home) == -1 ||
		       mkdir(paths.control, 0700) == -1 || mkdir(paths.queue, 0700) == -1
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
	(void)rmdir(paths.queue);
	return rmdir(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_limits),
	    cmocka_unit_test(limits_messages),
	    cmocka_unit_test(limits_recipients),
	    cmocka_unit_test(gives_back_what_failed),
	    cmocka_unit_test(gives_back_to_its_hour),
	    cmocka_unit_test(hours_go_by),
	    cmocka_unit_test(forgets),
	    cmocka_unit_test(outlives_a_restart),
	    cmocka_unit_test(keeps_recipients_and_alarms),
	    cmocka_unit_test(says_what_has_changed),
	    cmocka_unit_test(keeps_what_counts),
	    cmocka_unit_test(refuses_damage),
	    cmocka_unit_test(refuses_wrong_records),
	    cmocka_unit_test(keeps_all),
	    cmocka_unit_test(is_not_due_while_it_is_written),
	    cmocka_unit_test(is_due_again_when_it_failed),
	    cmocka_unit_test(grows_older_where_the_clock_was_set_back),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
