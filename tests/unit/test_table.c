/* table: what is written is found again, in any size; what is broken is an error. */
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

#include "table.h"

static char dir[] = "/tmp/test_table.XXXXXX";
static char path[64];

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof path, "%s/t.cdb", dir);
	return 0;
}

static int teardown(void **state)
{
	char tmp[80];

	(void)state;
	(void)snprintf(tmp, sizeof tmp, "%s.tmp", path);
	(void)unlink(tmp);
	(void)unlink(path);
	return rmdir(dir);
}

static void make(unsigned n)
{
	struct table_writer *w = table_create(path);

	assert_non_null(w);
	for (unsigned i = 0; i < n; i++) {
		char key[32];
		char value[32];
		int k = snprintf(key, sizeof key, "key-%u", i);
		int v = snprintf(value, sizeof value, "value-%u", i);

		assert_int_equal(table_put(w, key, (size_t)k, value, (size_t)v), 0);
	}
	assert_int_equal(table_put(w, "", 0, "empty", 5), 0);
	assert_int_equal(table_put(w, "nothing", 7, "", 0), 0);
	assert_int_equal(table_put(w, "twice", 5, "first", 5), 0);
	assert_int_equal(table_put(w, "twice", 5, "second", 6), 0);
	assert_int_equal(table_commit(w), 0);
}

static void check(struct table *t, const char *key, const char *want)
{
	const char *value;
	size_t len;
	size_t keylen = strlen(key);
	char *copy = malloc(keylen ? keylen : 1);
	int r;

	assert_non_null(copy);
	for (size_t i = 0; i < keylen; i++)
		copy[i] = key[i];
	r = table_get(t, copy, keylen, &value, &len);
	free(copy);
	assert_int_equal(r, want != NULL);
	if (want != NULL) {
		assert_int_equal(len, strlen(want));
		assert_string_equal(value, want);
	}
}

static void found(void **state)
{
	static const unsigned sizes[] = {0, 1, 17, 3000};

	(void)state;
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		struct table t;

		make(sizes[s]);
		assert_int_equal(table_open(&t, path), 1);
		for (unsigned i = 0; i < sizes[s] + 3; i++) {
			char key[32];
			char value[32];

			(void)snprintf(key, sizeof key, "key-%u", i);
			(void)snprintf(value, sizeof value, "value-%u", i);
			check(&t, key, i < sizes[s] ? value : NULL);
		}
		check(&t, "", "empty");
		check(&t, "nothing", "");
		check(&t, "twice", "first");
		check(&t, "KEY-0", NULL);
		table_close(&t);
	}
}

static void lookup(void **state)
{
	char *value;
	size_t len;

	(void)state;
	make(1);
	assert_int_equal(table_lookup(path, "key-0", 5, &value, &len), 1);
	assert_string_equal(value, "value-0");
	free(value);
	assert_int_equal(table_lookup(path, "key-1", 5, &value, &len), 0);
	assert_int_equal(table_lookup("/nonexistent/x.cdb", "k", 1, &value, &len), 0);
}

static void replaced_whole(void **state)
{
	struct table old;
	struct table_writer *w;
	struct table_writer *second;
	struct stat st;

	(void)state;
	make(1);
	assert_int_equal(table_open(&old, path), 1);
	w = table_create(path);
	assert_non_null(w);
	assert_int_equal(table_put(w, "new", 3, "x", 1), 0);

	second = table_create(path);
	assert_null(second);
	assert_int_equal(errno, EWOULDBLOCK);

	table_abort(w);
	check(&old, "key-0", "value-0");
	make(2);
	check(&old, "key-1", NULL); /* the old one is still whole for its reader */
	table_close(&old);
	assert_int_equal(table_open(&old, path), 1);
	check(&old, "key-1", "value-1");
	table_close(&old);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
}

static void write_file(const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, p, n), (ssize_t)n);
	assert_int_equal(close(fd), 0);
}

/* Cut everywhere, and each byte of the heads set to 0xff: never anything but found,
 * not there or EPROTO, and never a wrong value's length beyond the file. */
static void broken(void **state)
{
	char whole[8192];
	int fd;
	ssize_t n;

	(void)state;
	make(20);
	fd = open(path, O_RDONLY);
	n = read(fd, whole, sizeof whole);
	assert_int_equal(close(fd), 0);
	assert_true(n > 2048 && n < (ssize_t)sizeof whole);
	for (ssize_t cut = 0; cut < n; cut += 7) {
		struct table t;
		int r;

		write_file(whole, (size_t)cut);
		r = table_open(&t, path);
		assert_int_equal(r, cut < 2048 ? -1 : 1);
		if (r == -1)
			assert_int_equal(errno, EPROTO);
		else {
			const char *value;
			size_t len;

			r = table_get(&t, "key-0", 5, &value, &len);
			assert_true(r == 1 || (r == -1 && errno == EPROTO));
			table_close(&t);
		}
	}
	for (ssize_t i = 0; i < n; i++) {
		struct table t;
		const char *value;
		size_t len;
		char kept = whole[i];
		int r;

		whole[i] = (char)0xff;
		write_file(whole, (size_t)n);
		whole[i] = kept;
		assert_int_equal(table_open(&t, path), 1);
		r = table_get(&t, "key-0", 5, &value, &len);
		assert_true(r == 0 || r == 1 || (r == -1 && errno == EPROTO));
		if (r == 1)
			assert_true(len <= (size_t)n);
		table_close(&t);
	}
}

/* A reader whose file is cut under it gets an error, not a signal. */
static void cut_while_open(void **state)
{
	struct table t;
	const char *value;
	size_t len;

	(void)state;
	make(100);
	assert_int_equal(table_open(&t, path), 1);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(table_get(&t, "key-1", 5, &value, &len), -1);
	assert_int_equal(errno, EPROTO);
	table_close(&t);
}

static void made_of(const char *source, size_t n)
{
	struct table_writer *w = table_create(path);
	uint8_t sum[TABLE_SUM_LEN];

	assert_non_null(w);
	table_sum(source, n, sum);
	if (n > 0)
		assert_int_equal(
		    table_put(w, TABLE_SOURCE, TABLE_SOURCE_LEN, sum, sizeof sum), 0);
	assert_int_equal(table_commit(w), 0);
}

static void set_time(const char *file, time_t seconds)
{
	const struct timespec t[2] = {{seconds, 0}, {seconds, 0}};

	assert_int_equal(utimensat(AT_FDCWD, file, t, 0), 0);
}

/* By the checksum, whatever the times say; without one, by the times. */
static void fresh(void **state)
{
	char text[80];
	FILE *f;

	(void)state;
	(void)snprintf(text, sizeof text, "%s/t", dir);
	f = fopen(text, "w");
	assert_non_null(f);
	assert_int_not_equal(fputs("a: b\n", f), EOF);
	assert_int_equal(fclose(f), 0);
	(void)unlink(path);
	assert_int_equal(table_is_fresh(path, text), 0);
	made_of("a: b\n", 5);
	set_time(path, 1000);
	assert_int_equal(table_is_fresh(path, text), 1);
	made_of("a: c\n", 5);
	assert_int_equal(table_is_fresh(path, text), 0);
	made_of("", 0);
	assert_int_equal(table_is_fresh(path, text), 1);
	set_time(path, 1000);
	assert_int_equal(table_is_fresh(path, text), 0);
	assert_int_equal(unlink(text), 0);
	assert_int_equal(table_is_fresh(path, text), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(found),          cmocka_unit_test(lookup),
	    cmocka_unit_test(replaced_whole), cmocka_unit_test(broken),
	    cmocka_unit_test(cut_while_open), cmocka_unit_test(fresh),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
