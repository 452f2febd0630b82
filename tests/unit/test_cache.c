#include "exact.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fakebox.h"
#include "maildir/cache.h"

enum { MANY = 1000, LARGEST = 3000 };

static char place[] = "/tmp/test_cache.XXXXXX";
static int dir;

/* ---- what a message's record holds ---- */

static size_t record_of(uint32_t uid, char *out)
{
	size_t n = uid * 7919 % LARGEST;

	for (size_t i = 0; i < n; i++)
		out[i] = (char)(uid + i * (1 + uid % 7));
	return n;
}

static void put(struct cache *c, const struct box *b, size_t i)
{
	char text[LARGEST];

	cache_put(c, i, text, record_of(b->list->m[i].uid, text));
}

/* 1 it is there and right, 0 a miss; anything else ends the test. */
static int has(struct cache *c, const struct box *b, size_t i)
{
	char want[LARGEST];
	size_t n = record_of(b->list->m[i].uid, want), len = 0;
	const char *p = NULL;

	if (!cache_get(c, i, &p, &len))
		return 0;
	assert_int_equal(len, n);
	assert_memory_equal(p, want, n);
	return 1;
}

static size_t count(struct cache *c, const struct box *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->count; i++)
		n += (size_t)has(c, b, i);
	return n;
}

/* Ordinals from to to - 1, each step. */
static void fill(struct box *b, size_t from, size_t to, size_t step)
{
	struct cache *c = cache_open(b);

	for (size_t i = from; i < to; i += step)
		put(c, b, i);
	cache_close(c);
}

static size_t found(struct box *b)
{
	struct cache *c = cache_open(b);
	size_t n = count(c, b);

	cache_close(c);
	return n;
}

static off_t file_size(void)
{
	struct stat st;

	return fstatat(dir, "quoin-cache", &st, 0) == 0 ? st.st_size : -1;
}

/* ---- set-up ---- */

static int start(void **state)
{
	(void)state;
	(void)unlinkat(dir, "quoin-cache", 0);
	(void)unlinkat(dir, "quoin-cache", AT_REMOVEDIR);
	(void)unlinkat(dir, "quoin-cache.new", 0);
	return 0;
}

static int group_start(void **state)
{
	(void)state;
	if (mkdtemp(place) == NULL)
		return -1;
	dir = open(place, O_RDONLY | O_DIRECTORY);
	return dir == -1 ? -1 : 0;
}

static int group_end(void **state)
{
	(void)start(state);
	(void)close(dir);
	return rmdir(place);
}

/* ---- the tests ---- */

static void test_again(void **state)
{
	struct box *b = fakebox_new(dir, MANY);

	(void)state;
	assert_int_equal(found(b), 0);
	assert_int_equal(file_size(), -1); /* nothing to keep, no file */
	fill(b, 0, MANY, 1);
	assert_int_equal(b->cache_seen, file_size());
	assert_int_equal(found(b), MANY);
	fakebox_forget(b);
	assert_int_equal(found(b), MANY);
	fakebox_free(b);
}

/* What waits to be written is found too, in any order. */
static void test_waiting(void **state)
{
	struct box *b = fakebox_new(dir, MANY);
	struct cache *c = cache_open(b);

	(void)state;
	for (size_t i = MANY; i-- > 0;) {
		assert_int_equal(has(c, b, i), 0);
		put(c, b, i);
		assert_int_equal(has(c, b, i), 1);
	}
	cache_close(c);
	fakebox_free(b);
}

static void test_sizes(void **state)
{
	static char large[CACHE_RECORD + 1];
	static const size_t sizes[] = {
	    0, 1, 7, 8, 9, 65536, CACHE_RECORD, CACHE_RECORD + 1};
	struct box *b = fakebox_new(dir, COUNT(sizes));
	struct cache *c = cache_open(b);
	const char *p;
	size_t n;

	(void)state;
	memset(large, 'x', sizeof large);
	for (size_t i = 0; i < COUNT(sizes); i++)
		cache_put(c, i, large, sizes[i]);
	cache_close(c);
	fakebox_forget(b); /* the largest do not fit into one look */
	c = cache_open(b);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		assert_int_equal(cache_get(c, i, &p, &n), sizes[i] <= CACHE_RECORD);
		if (sizes[i] <= CACHE_RECORD) {
			assert_int_equal(n, sizes[i]);
			assert_memory_equal(p, large, n);
		}
	}
	cache_close(c);
	fakebox_free(b);
}

/* Two sessions take turns; each finds the other's when it has looked. */
static void test_two(void **state)
{
	struct box *b[2] = {fakebox_new(dir, MANY), fakebox_new(dir, MANY)};
	struct cache *c[2] = {cache_open(b[0]), cache_open(b[1])};

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		put(c[i & 1], b[i & 1], i);
		if (i % 5 == 0)
			cache_flush(c[i & 1]);
	}
	for (int k = 0; k < 2; k++)
		cache_close(c[k]);
	for (int k = 0; k < 2; k++) {
		assert_int_equal(found(b[k]), MANY);
		fakebox_free(b[k]);
	}
}

static void writer(size_t k, size_t n)
{
	struct box *b = fakebox_new(dir, MANY);

	for (size_t i = k; i < MANY; i += n)
		fill(b, i, i + 1, 1);
	_exit(0);
}

static void test_many(void **state)
{
	struct box *b = fakebox_new(dir, MANY);
	int status;

	(void)state;
	fill(b, 0, 1, 1); /* the file is there */
	for (size_t k = 0; k < 4; k++) {
		pid_t pid = fork();

		assert_int_not_equal(pid, -1);
		if (pid == 0)
			writer(k, 4);
	}
	for (size_t k = 0; k < 4; k++) {
		assert_int_not_equal(wait(&status), -1);
		assert_int_equal(status, 0);
	}
	assert_int_equal(found(b), MANY);
	fakebox_free(b);
}

static void test_other_message(void **state)
{
	struct box *b = fakebox_new(dir, 10);

	(void)state;
	fill(b, 0, 10, 1);
	b->list->m[3].hash++;
	assert_int_equal(found(b), 9);
	fakebox_forget(b);
	assert_int_equal(found(b), 9);
	b->list->m[4].cache = b->list->m[5].cache; /* a damaged index */
	b->list->m[6].cache = UINT64_MAX;
	b->list->m[7].cache = 1;
	assert_int_equal(found(b), 6);
	fakebox_free(b);
}

/* The index speaks of another file than the one that is there. */
static void test_generation(void **state)
{
	struct box *b = fakebox_new(dir, 10);

	(void)state;
	fill(b, 0, 10, 1);
	b->generation ^= 1;
	assert_int_equal(found(b), 10);
	(void)start(state);
	assert_int_equal(found(b), 0);
	fill(b, 0, 10, 2);
	assert_int_equal(found(b), 5);
	fakebox_free(b);
}

/* One byte wrong, at any place: what is found is right, and all can be kept again. */
static void test_damage(void **state)
{
	struct box *b = fakebox_new(dir, 8);
	off_t size;

	(void)state;
	fill(b, 0, 8, 1);
	size = file_size();
	for (off_t at = 0; at < size; at += at < 400 ? 1 : 37) {
		int fd = openat(dir, "quoin-cache", O_RDWR);
		char was;

		assert_int_equal(pread(fd, &was, 1, at), 1);
		was ^= 0x10;
		assert_int_equal(pwrite(fd, &was, 1, at), 1);
		(void)close(fd);
		if (at % 2 == 0)
			fakebox_forget(b);
		(void)found(b);
		fill(b, 0, 8, 1);
		assert_int_equal(found(b), 8);
		(void)start(state);
		fakebox_forget(b);
		fill(b, 0, 8, 1);
	}
	fakebox_free(b);
}

static void test_cut(void **state)
{
	struct box *b = fakebox_new(dir, 8);
	off_t size;

	(void)state;
	fill(b, 0, 8, 1);
	size = file_size();
	for (off_t at = 0; at < size; at += 61) {
		int fd = openat(dir, "quoin-cache", O_RDWR);

		assert_int_equal(ftruncate(fd, at), 0);
		(void)close(fd);
		if (at % 2 == 0) {
			fakebox_forget(b);
			fill(b, 0, 8, 1); /* a record that is cut off shows now */
		}
		fill(b, 0, 8, 1);
		assert_int_equal(found(b), 8);
	}
	fakebox_free(b);
}

static void test_no_file(void **state)
{
	struct box *b = fakebox_new(dir, 8);

	(void)state;
	assert_int_equal(mkfifoat(dir, "quoin-cache", 0600), 0);
	assert_int_equal(found(b), 0);
	(void)start(state);
	assert_int_equal(symlinkat("/etc/passwd", dir, "quoin-cache"), 0);
	assert_int_equal(found(b), 0);
	(void)start(state);
	assert_int_equal(mkdirat(dir, "quoin-cache", 0700), 0);
	fill(b, 0, 8, 1);
	assert_int_equal(found(b), 0);
	(void)start(state);
	fill(b, 0, 8, 1);
	assert_int_equal(renameat(dir, "quoin-cache", dir, "elsewhere"), 0);
	assert_int_equal(symlinkat("elsewhere", dir, "quoin-cache"), 0);
	assert_int_equal(found(b), 0);
	assert_int_equal(unlinkat(dir, "elsewhere", 0), 0);
	fakebox_free(b);
}

/* More than half is dead: written anew, and a session that has the old file goes on. */
static void test_dead(void **state)
{
	struct box *b = fakebox_new(dir, MANY), *other = fakebox_new(dir, MANY);
	struct cache *c;
	off_t size;

	(void)state;
	fill(b, 0, MANY, 1);
	size = file_size();
	c = cache_open(other);
	assert_int_equal(count(c, other), MANY);
	for (size_t i = 0; i < MANY; i++)
		if (i % 4 != 0)
			b->list->m[i].state |= MSG_GONE, b->gone++;
	assert_int_equal(found(b), MANY); /* and rewritten at its end */
	assert_true(file_size() < size / 2);
	assert_int_equal(found(b), MANY / 4);
	b->count = MANY / 4;
	b->gone = 0;
	for (size_t i = 0; i < b->count; i++)
		b->list->m[i] = b->list->m[4 * i];
	assert_int_equal(found(b), MANY / 4);
	assert_int_equal(count(c, other), MANY);
	put(c, other, 1);
	cache_flush(c);
	assert_true(count(c, other) <= MANY / 4 + 1);
	put(c, other, 1);
	cache_close(c);
	c = cache_open(other);
	assert_int_equal(has(c, other, 1), 1);
	cache_close(c);
	fakebox_free(b);
	fakebox_free(other);
}

/* What a crash left behind hinders nobody for long. */
static void test_left_over(void **state)
{
	struct box *b = fakebox_new(dir, 8);
	static const time_t when[] = {1000, 4000000000}; /* the clock was set back */

	(void)state;
	for (size_t i = 0; i < COUNT(when); i++) {
		struct timespec t[2] = {{when[i], 0}, {when[i], 0}};

		(void)unlinkat(dir, "quoin-cache", 0);
		(void)close(openat(dir, "quoin-cache.new", O_CREAT | O_WRONLY, 0600));
		fill(b, 0, 8, 1);
		assert_int_equal(found(b), 0);
		assert_int_equal(utimensat(dir, "quoin-cache.new", t, 0), 0);
		fill(b, 0, 8, 1);
		fill(b, 0, 8, 1);
		assert_int_equal(found(b), 8);
	}
	fakebox_free(b);
}

static void set_limit(rlim_t n)
{
	struct rlimit lim;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &lim), 0);
	lim.rlim_cur = n;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &lim), 0);
}

static void test_full(void **state)
{
	static const rlim_t limits[] = {0, 16, 40, 5000, 100000};
	struct box *b = fakebox_new(dir, MANY);

	(void)state;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	for (size_t i = 0; i < COUNT(limits); i++) {
		set_limit(limits[i]);
		fill(b, 0, MANY, 1);
		(void)found(b);
		set_limit(RLIM_INFINITY);
		fill(b, 0, MANY, 1);
		fill(b, 0, MANY, 1);
		assert_int_equal(found(b), MANY);
		(void)start(state);
	}
	fakebox_free(b);
}

static void test_null(void **state)
{
	const char *p;
	size_t n;

	(void)state;
	assert_int_equal(cache_get(NULL, 0, &p, &n), 0);
	cache_put(NULL, 0, "x", 1);
	cache_flush(NULL);
	cache_close(NULL);
}

#define TEST(f) cmocka_unit_test_setup(f, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_again),      TEST(test_waiting), TEST(test_sizes),
	    TEST(test_two),        TEST(test_many),    TEST(test_other_message),
	    TEST(test_generation), TEST(test_damage),  TEST(test_cut),
	    TEST(test_no_file),    TEST(test_dead),    TEST(test_left_over),
	    TEST(test_full),       TEST(test_null),
	};

	return cmocka_run_group_tests(tests, group_start, group_end);
}
