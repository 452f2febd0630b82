#include "exact.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "maildir/quota.h"
#include "maildir/quota_int.h"
#include "scratch.h"

static char top[40];
static int root;

static void write_file(const char *path, const char *text, size_t n)
{
	int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, n), (ssize_t)n);
	(void)close(fd);
}

static void message(const char *path, size_t n)
{
	char text[256] = {'x'};

	write_file(path, text, n);
}

static int setup(void **state)
{
	static const char *const dirs[] = {"new",    "cur",    "tmp",     ".A",
					   ".A/new", ".A/cur", ".\xff.x", ".\xff.x/cur"};

	(void)state;
	(void)snprintf(top, sizeof top, "/tmp/test-quota-XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	root = open(top, O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < COUNT(dirs); i++)
		if (mkdirat(root, dirs[i], 0700) == -1)
			return -1;
	return root == -1 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)close(root);
	return scratch_remove(top);
}

/* ---- the text ---- */

static const struct {
	const char *what;
	const char *text;
	int result;
	struct quota q;
} texts[] = {
    {"both", "10000000S,1000C\n1234 1\n", 0, {10000000, 1000, 1234, 1}},
    {"other order", "1000C,10000000S\n1234 1\n", 0, {10000000, 1000, 1234, 1}},
    {"bytes alone", "5S\n", 0, {5, 0, 0, 0}},
    {"number alone", "7C\n0 0\n", 0, {0, 7, 0, 0}},
    {"Courier's blanks", "10S\n         120            3\n-20 -1\n", 0, {10, 0, 100, 2}},
    {"no limits", "\n12 1\n", 0, {0, 0, 12, 1}},
    {"a word", "NOQUOTA\n12 1\n", -1, {0, 0, 0, 0}},
    {"no letter", "1000\n", -1, {0, 0, 0, 0}},
    {"minus", "-1S\n", -1, {0, 0, 0, 0}},
    {"too large", "99999999999999999999S\n", -1, {0, 0, 0, 0}},
    {"one good, one bad", "10S,5X\n", -1, {0, 0, 0, 0}},
    {"no line's end", "10S", -1, {10, 0, 0, 0}},
    {"torn line", "10S\n5 1\n7", -1, {10, 0, 5, 1}},
    {"one number", "10S\n5\n", -1, {10, 0, 0, 0}},
    {"three", "10S\n5 1 1\n", -1, {10, 0, 0, 0}},
    {"a letter", "10S\n5 x\n", -1, {10, 0, 0, 0}},
    {"too much together", "9S\n9223372036854775807 1\n1 1\n", -1, {9, 0, INT64_MIN, 1}},
};

static void test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		size_t n = strlen(texts[i].text);
		char *in = exact(texts[i].text, n);
		struct quota q;

		if (quota_parse(&q, in, n) != texts[i].result ||
		    memcmp(&q, &texts[i].q, sizeof q) != 0)
			fail_msg("%s: %lld bytes, %lld messages", texts[i].what,
				 (long long)q.bytes, (long long)q.count);
		free(in);
	}
}

static void test_allows(void **state)
{
	const struct quota q = {1000, 10, 900, 9};
	const struct quota over = {1000, 10, 1001, 5};
	const struct quota below = {1000, 0, -50, -1};

	(void)state;
	assert_true(quota_allows(&q, 100, 1));
	assert_false(quota_allows(&q, 101, 1));
	assert_false(quota_allows(&q, 1, 2));
	assert_false(quota_allows(&q, UINT64_MAX, 1));
	assert_false(quota_allows(&over, 0, 0));
	assert_true(quota_allows(&below, 1000, UINT64_MAX));
	assert_false(quota_allows(&below, 1001, 1));
}

/* ---- the file ---- */

static void test_none(void **state)
{
	struct quota q;
	struct stat st;

	(void)state;
	assert_int_equal(quota_read(&q, root), 0);
	quota_add(root, 100, 1);
	assert_int_equal(faccessat(root, "maildirsize", F_OK, 0), -1);
	write_file("maildirsize", "", 0);
	assert_int_equal(quota_read(&q, root), 0);
	quota_add(root, 100, 1); /* must not become the limits' line */
	assert_int_equal(fstatat(root, "maildirsize", &st, 0), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(quota_read(&q, root), 0);
	assert_true(quota_allows(&q, UINT64_MAX, UINT64_MAX));
}

static void test_hostile(void **state)
{
	struct quota q;

	(void)state;
	assert_int_equal(mkfifoat(root, "maildirsize", 0600), 0);
	assert_int_equal(quota_read(&q, root), 0); /* and does not wait */
	quota_add(root, 1, 1);
	assert_int_equal(unlinkat(root, "maildirsize", 0), 0);
	write_file("elsewhere", "5S\n", 3);
	assert_int_equal(symlinkat("elsewhere", root, "maildirsize"), 0);
	assert_int_equal(quota_read(&q, root), 0);
}

static void fill(void)
{
	message("new/1.a,S=100", 5);
	message("cur/2.a,S=20:2,S", 5);
	message("cur/3.a:2,S", 7); /* as large as it is */
	message("cur/.hidden", 9);
	message(".A/cur/4.a,S=1000,W=1010:2,T", 5);
	message(".\xff.x/cur/5.a,S=10000", 5);
	message("tmp/6.a,S=100000", 5);
}

static void test_count(void **state)
{
	struct quota q;

	(void)state;
	fill();
	assert_int_equal(quota_set(root, 20000, 100), 0);
	assert_int_equal(quota_read(&q, root), 1);
	assert_int_equal(q.bytes, 11127);
	assert_int_equal(q.count, 5);
	assert_int_equal(q.max_bytes, 20000);
	assert_int_equal(q.max_count, 100);
	quota_add(root, 100, 1);
	quota_add(root, -127, -2);
	assert_int_equal(quota_read(&q, root), 1);
	assert_int_equal(q.bytes, 11100);
	assert_int_equal(q.count, 4);
	assert_int_equal(quota_set(root, 0, 0), 0);
	assert_int_equal(quota_read(&q, root), 0);
	assert_int_equal(quota_set(root, 0, 0), 0);
}

/* A line that is not understood: counted anew, and written. */
static void test_damaged(void **state)
{
	static const char text[] = "20000S\n5 1\n\0\0\0\0";
	struct quota q;
	struct stat st;

	(void)state;
	fill();
	write_file("maildirsize", text, sizeof text - 1);
	assert_int_equal(quota_read(&q, root), 1);
	assert_int_equal(q.bytes, 11127);
	assert_int_equal(fstatat(root, "maildirsize", &st, 0), 0);
	assert_int_equal(st.st_size, strlen("20000S\n11127 5\n"));
}

/* A long one too. */
static void test_long(void **state)
{
	struct quota q;
	struct stat st;

	(void)state;
	fill();
	write_file("maildirsize", "200000S\n", 8);
	for (int i = 0; i < 1277; i++)
		quota_add(root, 0, 0);
	assert_int_equal(quota_read(&q, root), 1);
	assert_int_equal(q.bytes, 0);
	quota_add(root, 0, 0);
	assert_int_equal(quota_read(&q, root), 1);
	assert_int_equal(q.bytes, 11127);
	assert_int_equal(fstatat(root, "maildirsize", &st, 0), 0);
	assert_true(st.st_size < 100);
}

static void age(time_t seconds)
{
	const struct timespec t[2] = {{time(NULL) - seconds, 0},
				      {time(NULL) - seconds, 0}};

	assert_int_equal(utimensat(root, "maildirsize", t, 0), 0);
}

/* "Over quota" is not believed for longer than 15 minutes; "not over" is. */
static void test_old(void **state)
{
	struct quota q;

	(void)state;
	fill();
	write_file("maildirsize", "20000S\n20001 1\n", 15);
	age(600);
	assert_int_equal(quota_read(&q, root), 1);
	assert_int_equal(q.bytes, 20001);
	age(1000);
	assert_int_equal(quota_read(&q, root), 1);
	assert_int_equal(q.bytes, 11127);
	write_file("maildirsize", "20000S\n20000 1\n", 15);
	age(1000);
	assert_int_equal(quota_read(&q, root), 1);
	assert_int_equal(q.bytes, 20000);
}

/* Nor is "no room for this": who removes messages need not know of quotas. */
static void test_room(void **state)
{
	struct quota q;

	(void)state;
	fill();
	write_file("maildirsize", "20000S\n19999 1\n", 15);
	for (int i = 0; i < 2; i++) {
		age(i == 0 ? 600 : 1000);
		assert_int_equal(quota_read(&q, root), 1);
		assert_int_equal(q.bytes, 19999);
		assert_int_equal(quota_room(&q, root, 1, 1), 1);
		assert_int_equal(quota_room(&q, root, 1000, 1), i);
	}
	assert_int_equal(q.bytes, 11127);
	assert_int_equal(quota_room(&q, root, 10000, 1), 0);
	/* it is fresh now: not counted again */
	message("cur/more,S=5000", 1);
	assert_int_equal(quota_room(&q, root, 10000, 1), 0);
	assert_int_equal(q.bytes, 11127);
}

/* The root of a folder, also of one whose maker knew of no maildirfolder. */
static void test_root(void **state)
{
	struct stat a;
	struct stat b;
	int dir;
	int r;

	(void)state;
	assert_int_equal(fstat(root, &a), 0);
	for (int i = 0; i < 2; i++) {
		dir = openat(root, i == 0 ? ".A" : ".", O_RDONLY | O_DIRECTORY);
		r = quota_root(dir);
		assert_int_not_equal(r, -1);
		assert_int_equal(fstat(r, &b), 0);
		assert_int_equal(a.st_ino, b.st_ino);
		(void)close(r);
		(void)close(dir);
	}
	assert_int_equal(faccessat(root, ".A/maildirfolder", F_OK, 0), 0);
	assert_int_equal(faccessat(root, "maildirfolder", F_OK, 0), -1);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_allows),
	    TEST(test_none),
	    TEST(test_hostile),
	    TEST(test_count),
	    TEST(test_damaged),
	    TEST(test_long),
	    TEST(test_old),
	    TEST(test_room),
	    TEST(test_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
