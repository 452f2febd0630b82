#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

#include "clock.h"
#include "maildir/deliver.h"
#include "scratch.h"

static char top[32];
static int home;
static char id[QID_LEN + 1];
static uint64_t birth;

static int setup(void **state)
{
	(void)state;
	(void)snprintf(top, sizeof top, "/tmp/test-maildir-XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	home = open(top, O_RDONLY | O_DIRECTORY);
	birth = clock_wall_ns();
	qid_make(id, birth, 7);
	return home == -1 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)close(home);
	return scratch_remove(top);
}

/* How many names a directory has; the last one to name. */
static int count(const char *dir, char name[256])
{
	char path[64];
	struct dirent *e;
	DIR *d;
	int n = 0;

	(void)snprintf(path, sizeof path, "%s/%s", top, dir);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.') {
			n++;
			if (name != NULL)
				(void)snprintf(name, 256, "%s", e->d_name);
		}
	(void)closedir(d);
	return n;
}

static int put(struct maildir *m, const char *text, const char *line)
{
	static struct maildir_file f;
	char base[MAILDIR_BASE];
	int r;

	assert_int_equal(maildir_begin(m, &f), 0);
	assert_int_equal(maildir_write(&f, text, strlen(text)), 0);
	assert_int_equal(maildir_sync(&f), 0);
	maildir_base(base, id, "a@b", line);
	r = maildir_link(&f, base, birth);
	maildir_end(&f);
	return r;
}

static void test_deliver(void **state)
{
	struct maildir m;
	char name[256];
	char want[256];
	char base[MAILDIR_BASE];
	struct stat st;

	(void)state;
	assert_int_equal(maildir_open(&m, home, "./Maildir/", 0), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(maildir_open(&m, home, "./Maildir/", 1), 0);
	assert_int_equal(fstatat(home, "Maildir", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(put(&m, "a\nb\nc", "line"), 0);
	assert_int_equal(count("Maildir/new", name), 1);
	assert_int_equal(count("Maildir/tmp", NULL), 0);
	maildir_base(base, id, "a@b", "line");
	(void)snprintf(want, sizeof want, "%s,S=5,W=7", base);
	assert_string_equal(name, want);
	assert_null(strpbrk(name, "/: "));
	maildir_close(&m);
}

/* W: an LF that has its CR already is not counted twice, however the bytes come. */
static void test_wire_size(void **state)
{
	static const char text[] = "a\r\nb\n\r\n\rc\n";
	static struct maildir_file f;
	struct maildir m;
	char base[MAILDIR_BASE];
	char name[256];

	(void)state;
	maildir_base(base, id, "a@b", "line");
	assert_int_equal(maildir_open(&m, home, "./Maildir/", 1), 0);
	for (size_t step = 1; step < sizeof text; step++) {
		assert_int_equal(maildir_begin(&m, &f), 0);
		for (size_t at = 0; at < sizeof text - 1; at += step) {
			size_t n = sizeof text - 1 - at;

			assert_int_equal(
			    maildir_write(&f, text + at, n < step ? n : step), 0);
		}
		assert_int_equal(maildir_sync(&f), 0);
		assert_int_equal(maildir_link(&f, base, birth), 0);
		maildir_end(&f);
		assert_int_equal(count("Maildir/new", name), 1);
		assert_non_null(strstr(name, ",S=10,W=12"));
		assert_int_equal(unlinkat(m.new, name, 0), 0);
	}
	maildir_close(&m);
}

/* The same job once more, another line of it, and one whose message a reader moved. */
static void test_again(void **state)
{
	struct maildir m;
	char name[256];
	char from[300];
	char to[300];
	const struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};

	(void)state;
	assert_int_equal(maildir_open(&m, home, "Maildir", 1), 0);
	assert_int_equal(put(&m, "x\n", "1"), 0);
	assert_int_equal(put(&m, "x\n", "1"), 0);
	assert_int_equal(count("Maildir/new", name), 1);
	(void)snprintf(from, sizeof from, "Maildir/new/%s", name);
	(void)snprintf(to, sizeof to, "Maildir/cur/%s:2,ST", name);
	assert_int_equal(renameat(home, from, home, to), 0);
	assert_int_equal(put(&m, "x\n", "1"), 0);
	assert_int_equal(count("Maildir/new", NULL), 0);
	/* who copies or restores a tree sets a directory's time back */
	assert_int_equal(utimensat(home, "Maildir/cur", old, 0), 0);
	assert_int_equal(put(&m, "x\n", "1"), 0);
	assert_int_equal(count("Maildir/new", NULL), 0);
	assert_int_equal(put(&m, "x\n", "2"), 0);
	assert_int_equal(count("Maildir/new", NULL), 1);
	assert_int_equal(count("Maildir/tmp", NULL), 0);
	maildir_close(&m);
}

static void test_is_current(void **state)
{
	struct maildir m;

	(void)state;
	assert_int_equal(maildir_open(&m, home, "./Maildir//", 1), 0);
	assert_true(maildir_is_current(&m));
	assert_int_equal(renameat(home, "Maildir", home, "old"), 0);
	assert_false(maildir_is_current(&m));
	assert_int_equal(mkdirat(home, "Maildir", 0700), 0);
	assert_int_equal(mkdirat(home, "Maildir/new", 0700), 0);
	assert_false(maildir_is_current(&m));
	maildir_close(&m);
}

/* Whatever stands where a directory should: refused, and nothing hangs. */
static void test_planted(void **state)
{
	static const char *const parts[] = {"", "/tmp", "/new"};
	struct maildir m;

	(void)state;
	assert_int_equal(mkdirat(home, "elsewhere", 0700), 0);
	for (size_t i = 0; i < 3; i++)
		for (int fifo = 0; fifo < 2; fifo++) {
			char path[64];
			char moved[64];

			(void)snprintf(path, sizeof path, "m%zu%d", i, fifo);
			assert_int_equal(maildir_open(&m, home, path, 1), 0);
			maildir_close(&m);
			(void)snprintf(moved, sizeof moved, "moved%zu%d", i, fifo);
			(void)snprintf(path, sizeof path, "m%zu%d%s", i, fifo, parts[i]);
			assert_int_equal(renameat(home, path, home, moved), 0);
			assert_int_equal(fifo ? mkfifoat(home, path, 0600)
					      : symlinkat("../elsewhere", home, path),
					 0);
			(void)snprintf(path, sizeof path, "m%zu%d/", i, fifo);
			assert_int_equal(maildir_open(&m, home, path, 1), -1);
			assert_true(errno == ENOTDIR || errno == ELOOP);
		}
}

/* A crash left a Maildir without new/. */
static void test_half_made(void **state)
{
	struct maildir m;

	(void)state;
	assert_int_equal(mkdirat(home, "Maildir", 0700), 0);
	assert_int_equal(mkdirat(home, "Maildir/tmp", 0700), 0);
	assert_int_equal(maildir_open(&m, home, "Maildir", 0), -1);
	assert_int_equal(maildir_open(&m, home, "Maildir", 1), 0);
	assert_int_equal(put(&m, "x\n", "1"), 0);
	maildir_close(&m);
	/* Somebody's own, without cur/, is taken as it is; where we may complete it we
	 * do: without cur/ nobody knows whether the others are durable. */
	assert_int_equal(unlinkat(home, "Maildir/cur", AT_REMOVEDIR), 0);
	assert_int_equal(maildir_open(&m, home, "Maildir", 0), 0);
	maildir_close(&m);
	assert_int_equal(faccessat(home, "Maildir/cur", F_OK, 0), -1);
	assert_int_equal(maildir_open(&m, home, "Maildir", 1), 0);
	maildir_close(&m);
	assert_int_equal(faccessat(home, "Maildir/cur", F_OK, 0), 0);
}

static void test_abandoned(void **state)
{
	static struct maildir_file f;
	struct maildir m;

	(void)state;
	assert_int_equal(maildir_open(&m, home, "Maildir", 1), 0);
	assert_int_equal(maildir_begin(&m, &f), 0);
	assert_int_equal(maildir_write(&f, "x", 1), 0);
	assert_int_equal(count("Maildir/tmp", NULL), 1);
	maildir_end(&f);
	assert_int_equal(count("Maildir/tmp", NULL), 0);
	maildir_close(&m);
}

static void test_base(void **state)
{
	char one[MAILDIR_BASE];
	char two[MAILDIR_BASE];

	(void)state;
	maildir_base(one, id, "a@b", "./Maildir/");
	maildir_base(two, id, "a@b", "./Maildir/");
	assert_string_equal(one, two);
	maildir_base(two, id, "a@c", "./Maildir/");
	assert_string_not_equal(one, two);
	maildir_base(two, id, "a@b", "./Maildir2/");
	assert_string_not_equal(one, two);
	maildir_base(one, id, "ab", "c"); /* where one ends and the other begins counts */
	maildir_base(two, id, "a", "bc");
	assert_string_not_equal(one, two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_deliver, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_wire_size, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_is_current, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_planted, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_half_made, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_abandoned, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_base, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
