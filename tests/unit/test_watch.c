#include "exact.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "maildir/watch.h"
#include "scratch.h"

enum { OTHERS = 4096 };

static char top[40];
static int dirs[3];

static int make(const char *name)
{
	static const char *const parts[] = {"", "/new", "/cur", "/tmp"};
	char path[80];

	for (size_t i = 0; i < COUNT(parts); i++) {
		(void)snprintf(path, sizeof path, "%s/%s%s", top, name, parts[i]);
		if (mkdir(path, 0700) == -1)
			return -1;
	}
	(void)snprintf(path, sizeof path, "%s/%s", top, name);
	return open(path, O_RDONLY | O_DIRECTORY);
}

static int setup(void **state)
{
	(void)state;
	(void)snprintf(top, sizeof top, "/tmp/test-watch-XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	dirs[0] = make("a");
	dirs[1] = make("b");
	dirs[2] = make("c");
	return dirs[2] == -1 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(dirs); i++)
		(void)close(dirs[i]);
	return scratch_remove(top);
}

static void touch(int dir, const char *path)
{
	int fd = openat(dir, path, O_WRONLY | O_CREAT | O_APPEND, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, "x", 1), 1);
	(void)close(fd);
}

/* Times that lie back, so that only a change is one. */
static void settle(int dir)
{
	static const char *const names[] = {"new", "cur", "quoin-uids"};
	const struct timespec old[2] = {{time(NULL) - 60, 0}, {time(NULL) - 60, 0}};

	for (size_t i = 0; i < COUNT(names); i++)
		(void)utimensat(dir, names[i], old, 0);
}

/* Wait as a program would: the folder that changed within ms, or -1. */
static int wait_next(struct watch *w, int ms)
{
	int64_t end = clock_mono_ms() + ms;
	int id;

	while ((id = watch_next(w)) == -1 && clock_mono_ms() < end) {
		struct pollfd p = {w->fd, POLLIN, 0};
		int t = watch_timeout(w);
		int left = clock_left_ms(end);

		(void)poll(&p, 1, t != -1 && t < left ? t : left);
	}
	return id;
}

static void drain(struct watch *w)
{
	while (watch_next(w) != -1)
		;
}

static void arrive(int dir)
{
	touch(dir, "tmp/1");
	assert_int_equal(renameat(dir, "tmp/1", dir, "new/1"), 0);
}

static void claim(int dir)
{
	assert_int_equal(renameat(dir, "new/1", dir, "cur/1:2,"), 0);
}

static void flag(int dir)
{
	assert_int_equal(renameat(dir, "cur/1:2,", dir, "cur/1:2,S"), 0);
}

static void grow(int dir)
{
	touch(dir, "quoin-uids");
}

static void replace(int dir)
{
	touch(dir, "quoin-uids.new");
	assert_int_equal(renameat(dir, "quoin-uids.new", dir, "quoin-uids"), 0);
}

static void expunge(int dir)
{
	assert_int_equal(unlinkat(dir, "cur/1:2,S", 0), 0);
}

static void place(int dir)
{
	touch(dir, "cur/2");
}

static const struct {
	const char *what;
	void (*act)(int dir);
} acts[] = {{"a delivery", arrive},  {"new to cur", claim},
	    {"flags", flag},         {"a record", grow},
	    {"a new log", replace},  {"a record in the new log", grow},
	    {"an expunge", expunge}, {"a file in cur", place}};

static void see_all(struct watch *w, int wait_ms)
{
	int a = watch_add(w, dirs[0]);
	int b = watch_add(w, dirs[1]);

	assert_true(a >= 0 && b >= 0 && a != b);
	drain(w);
	for (size_t i = 0; i < COUNT(acts); i++) {
		settle(dirs[0]);
		settle(dirs[1]);
		w->looked = 0;
		drain(w);
		assert_int_equal(wait_next(w, 0), -1);
		acts[i].act(dirs[1]);
		if (i > 0) /* one wait for the second is enough */
			w->looked = 0;
		if (wait_next(w, wait_ms) != b)
			fail_msg("not seen: %s", acts[i].what);
	}
}

static void test_inotify(void **state)
{
	struct watch w;

	(void)state;
	watch_init(&w);
	assert_int_equal(watch_timeout(&w), -1);
	see_all(&w, 100);
	assert_int_not_equal(w.fd, -1);
	drain(&w);
	assert_int_equal(watch_timeout(&w), -1);
	watch_close(&w);
}

/* What does not concern a mailbox wakes nobody. */
static void test_quiet(void **state)
{
	struct watch w;

	(void)state;
	watch_init(&w);
	assert_int_equal(watch_add(&w, dirs[0]), 0);
	drain(&w);
	touch(dirs[0], "quoin-cache");
	touch(dirs[0], "subscriptions");
	touch(dirs[0], "tmp/x");
	assert_int_equal(wait_next(&w, 20), -1);
	watch_close(&w);
}

/* It counts as changed at first: what came before the watch was not seen. */
static void test_first(void **state)
{
	struct watch w;

	(void)state;
	watch_init(&w);
	assert_int_equal(watch_add(&w, dirs[0]), 0);
	assert_int_equal(watch_timeout(&w), 0);
	assert_int_equal(watch_next(&w), 0);
	assert_int_equal(watch_next(&w), -1);
	watch_close(&w);
}

/* Two descriptors of one directory: both are told, and one may go. */
static void test_twice(void **state)
{
	int again = dup(dirs[0]);
	struct watch w;

	(void)state;
	watch_init(&w);
	assert_int_equal(watch_add(&w, dirs[0]), 0);
	assert_int_equal(watch_add(&w, again), 1);
	drain(&w);
	arrive(dirs[0]);
	assert_int_equal(wait_next(&w, 100), 0);
	assert_int_equal(wait_next(&w, 0), 1);
	watch_remove(&w, 0);
	drain(&w);
	claim(dirs[0]);
	assert_int_equal(wait_next(&w, 100), 1);
	assert_int_equal(watch_add(&w, dirs[1]), 0);
	watch_remove(&w, 1);
	watch_remove(&w, 0);
	assert_int_equal(w.fd, -1); /* an instance is a thing a user has few of */
	watch_close(&w);
	(void)close(again);
}

static void test_limit(void **state)
{
	struct watch w;

	(void)state;
	watch_init(&w);
	for (int i = 0; i < WATCH_MAX; i++)
		assert_int_equal(watch_add(&w, dirs[0]), i);
	assert_int_equal(watch_add(&w, dirs[0]), -1);
	watch_close(&w);
}

/* A folder that is deleted is seen to change. */
static void test_deleted(void **state)
{
	char path[64];
	char gone[64];
	struct watch w;

	(void)state;
	watch_init(&w);
	assert_int_equal(watch_add(&w, dirs[2]), 0);
	drain(&w);
	(void)snprintf(path, sizeof path, "%s/c", top);
	(void)snprintf(gone, sizeof gone, "%s/gone", top);
	assert_int_equal(rename(path, gone), 0);
	assert_int_equal(wait_next(&w, 100), 0);
	assert_int_equal(scratch_remove(gone), 0);
	assert_int_equal(wait_next(&w, 100), 0);
	drain(&w);
	watch_close(&w);
}

static int write_proc(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r = fd == -1 || write(fd, text, strlen(text)) == -1 ? -1 : 0;

	if (fd != -1)
		(void)close(fd);
	return r;
}

/* A user namespace has a limit of its own: then nobody else is disturbed. */
static void limit_to_two(void)
{
	char map[64];
	unsigned uid = geteuid();
	unsigned gid = getegid();

	if (unshare(CLONE_NEWUSER) == -1)
		return;
	(void)write_proc("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof map, "0 %u 1", uid);
	(void)write_proc("/proc/self/uid_map", map);
	(void)snprintf(map, sizeof map, "0 %u 1", gid);
	(void)write_proc("/proc/self/gid_map", map);
	(void)write_proc("/proc/sys/user/max_inotify_instances", "2");
}

static int others[OTHERS];

/* All instances that the user may have: how many. */
static int use_all(void)
{
	int n = 0;

	while (n < OTHERS && (others[n] = inotify_init1(IN_CLOEXEC)) != -1)
		n++;
	return n;
}

/* Then it is looked, each second. */
static void test_without_inotify(void **state)
{
	int n;
	struct watch w;

	(void)state;
	limit_to_two();
	n = use_all();
	watch_init(&w);
	see_all(&w, 2000);
	if (n < OTHERS) {
		assert_int_equal(w.fd, -1);
		drain(&w);
		assert_in_range(watch_timeout(&w), 0, 1000);
	}
	watch_close(&w);
	while (n > 0)
		(void)close(others[--n]);
}

/* A change in the instant of a look has no other time: it is told once more later. */
static void test_same_instant(void **state)
{
	int n = use_all();
	struct watch w;

	(void)state;
	watch_init(&w);
	assert_int_equal(watch_add(&w, dirs[0]), 0);
	drain(&w);
	arrive(dirs[0]);
	w.looked = 0;
	assert_int_equal(watch_next(&w), 0);
	w.looked = 0;
	assert_int_equal(watch_next(&w), n < OTHERS ? 0 : -1);
	settle(dirs[0]);
	w.looked = 0;
	drain(&w);
	w.looked = 0;
	assert_int_equal(watch_next(&w), -1);
	watch_close(&w);
	while (n > 0)
		(void)close(others[--n]);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_inotify),         TEST(test_quiet),        TEST(test_first),
	    TEST(test_twice),           TEST(test_limit),        TEST(test_deleted),
	    TEST(test_without_inotify), TEST(test_same_instant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
