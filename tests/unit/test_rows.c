#include "exact.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fakebox.h"
#include "maildir/rows.h"

enum { MANY = 3000 };

static const char name[] = "rows";
static char place[] = "/tmp/test_rows.XXXXXX";
static int dir;

/* ---- what a message's row holds ---- */

static size_t row_of(uint32_t uid, char *out)
{
	size_t n = uid * 7919 % 200;

	for (size_t i = 0; i < n; i++)
		out[i] = (char)(uid + i);
	return n;
}

struct seen {
	struct box *b;
	int at[MANY];
};

static void have(void *arg, size_t i, const char *p, size_t n)
{
	struct seen *s = arg;
	char want[200];

	assert_true(i < s->b->count);
	assert_int_equal(n, row_of(s->b->list->m[i].uid, want));
	assert_memory_equal(p, want, n);
	s->at[i]++;
}

/* Reads, and adds what is missing below most: how many there were. */
static size_t read_and_add(struct box *b, size_t most)
{
	struct seen s = {.b = b};
	struct rows r;
	size_t n = 0;

	rows_read(&r, b, name, have, &s);
	for (size_t i = 0; i < b->count; i++) {
		char row[200];

		n += s.at[i] > 0;
		if (i < most && s.at[i] == 0)
			rows_add(&r, i, row, row_of(b->list->m[i].uid, row));
	}
	rows_end(&r);
	return n;
}

static off_t size(void)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_size : -1;
}

/* ---- tests ---- */

static void test_rows_come_back(void **state)
{
	struct box *b = fakebox_new(dir, MANY);

	(void)state;
	assert_int_equal(read_and_add(b, 0), 0);
	assert_int_equal(size(), -1);
	assert_int_equal(read_and_add(b, 1), 0);
	assert_int_equal(read_and_add(b, 2000), 1);
	assert_int_equal(read_and_add(b, MANY), 2000);
	assert_int_equal(read_and_add(b, MANY), MANY);
	b->list->m[7].hash++;
	assert_int_equal(read_and_add(b, MANY), MANY - 1);
	assert_int_equal(read_and_add(b, MANY), MANY);
	unlinkat(dir, name, 0);
	fakebox_free(b);
}

/* Messages that have gone leave rows; the file goes when there are more of these. */
static void test_dead_rows(void **state)
{
	struct box *b = fakebox_new(dir, MANY);

	(void)state;
	assert_int_equal(read_and_add(b, MANY), 0);
	b->count = MANY * 2 / 3;
	assert_int_equal(read_and_add(b, MANY), MANY * 2 / 3);
	assert_true(size() > 0);
	b->count = MANY / 3;
	(void)read_and_add(b, MANY);
	assert_int_equal(size(), -1);
	assert_int_equal(read_and_add(b, MANY), 0);
	assert_int_equal(read_and_add(b, MANY), MANY / 3);
	unlinkat(dir, name, 0);
	fakebox_free(b);
}

/* The oldest mail goes: its rows come first, and are not the most. */
static void test_dead_rows_first(void **state)
{
	struct box *b = fakebox_new(dir, MANY);

	(void)state;
	assert_int_equal(read_and_add(b, MANY), 0);
	for (size_t i = 0; i < MANY * 2 / 5; i++)
		b->list->m[i].hash++;
	assert_int_equal(read_and_add(b, 0), MANY - MANY * 2 / 5);
	assert_int_equal(read_and_add(b, 0), MANY - MANY * 2 / 5);
	unlinkat(dir, name, 0);
	fakebox_free(b);
}

static void change(off_t at, const char *p, size_t n)
{
	int fd = openat(dir, name, O_WRONLY);

	assert_true(fd != -1 && pwrite(fd, p, n, at) == (ssize_t)n && close(fd) == 0);
}

static void cut(off_t at)
{
	int fd = openat(dir, name, O_WRONLY);

	assert_true(fd != -1 && ftruncate(fd, at) == 0 && close(fd) == 0);
}

/* Wherever it is damaged: rows that come are right (have()), and the next but one finds all. */
static void test_damage(void **state)
{
	struct box *b = fakebox_new(dir, MANY);

	(void)state;
	for (int turn = 0; turn < 200; turn++) {
		off_t most, at;

		(void)read_and_add(b, MANY);
		(void)read_and_add(b, MANY);
		assert_int_equal(read_and_add(b, MANY), MANY);
		most = size();
		assert_true(most > 1000);
		at = turn < 40 ? turn : turn * 7919L * 31 % most;
		if (turn % 2 == 0)
			cut(at);
		else
			change(at, "\x80\x81", 2);
	}
	unlinkat(dir, name, 0);
	fakebox_free(b);
}

static void test_no_file(void **state)
{
	struct box *b = fakebox_new(dir, 10);

	(void)state;
	assert_int_equal(mkdirat(dir, name, 0700), 0);
	assert_int_equal(read_and_add(b, 10), 0);
	assert_int_equal(read_and_add(b, 10), 0);
	assert_int_equal(unlinkat(dir, name, AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("/etc/passwd", dir, name), 0);
	assert_int_equal(read_and_add(b, 10), 0);
	assert_int_equal(size(), -1);
	assert_int_equal(mkfifoat(dir, name, 0600), 0);
	assert_int_equal(read_and_add(b, 10), 0);
	assert_int_equal(size(), -1);
	assert_int_equal(read_and_add(b, 10), 0);
	assert_int_equal(read_and_add(b, 10), 10);
	unlinkat(dir, name, 0);
	fakebox_free(b);
}

static void test_large_rows(void **state)
{
	static char row[ROWS_ROW + 1];
	struct box *b = fakebox_new(dir, 3);
	struct rows r;

	(void)state;
	rows_read(&r, b, name, have, NULL);
	rows_add(&r, 0, row, sizeof row);
	rows_end(&r);
	assert_int_equal(size(), -1);
	fakebox_free(b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows_come_back),  cmocka_unit_test(test_dead_rows),
	    cmocka_unit_test(test_dead_rows_first), cmocka_unit_test(test_damage),
	    cmocka_unit_test(test_no_file),         cmocka_unit_test(test_large_rows),
	};
	int failed;

	if (mkdtemp(place) == NULL || (dir = open(place, O_RDONLY | O_DIRECTORY)) == -1)
		return 111;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlinkat(dir, name, 0);
	(void)rmdir(place);
	return failed;
}
