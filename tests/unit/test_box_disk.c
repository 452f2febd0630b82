/* box: quoin-uids and quoin-index torn, damaged, lost; another start of the kernel. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "boxdir.h"
#include "maildir/box_int.h"

static off_t size_of(const char *name)
{
	struct stat st;
	char path[400];

	path_of(path, name);
	return stat(path, &st) == 0 ? st.st_size : -1;
}

static void cut(const char *name, off_t size)
{
	char path[400];

	path_of(path, name);
	assert_int_equal(truncate(path, size), 0);
}

static void flip(const char *name, off_t at)
{
	char path[400];
	uint8_t c;
	int fd;

	path_of(path, name);
	fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 0x20;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	(void)close(fd);
}

static void add(const char *name, const void *p, size_t n)
{
	char path[400];
	int fd;

	path_of(path, name);
	fd = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, p, n), (ssize_t)n);
	(void)close(fd);
}

static void fill(unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++) {
		char name[40];

		(void)snprintf(name, sizeof name, "a/cur/%u.x:2,", 1000 + i);
		put(name, "a\n");
	}
}

/* Uids and names as they were: of n messages, uid i + 1. */
static void check(struct box *b, size_t n)
{
	char name[40];

	assert_int_equal(b->count, n);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(name, sizeof name, "%zu.x:2,", 1000 + i);
		assert_int_equal(box_at(b, i)->uid, i + 1);
		assert_string_equal(box_at(b, i)->name, name);
	}
}

static void test_torn_tail(void **state)
{
	static const char zeros[4096];
	struct box b;
	off_t whole;

	(void)state;
	fill(0, 3);
	open_box(&b, "a", 0);
	box_close(&b);
	whole = size_of("a/quoin-uids");
	for (int with_index = 0; with_index < 2; with_index++)
		for (size_t i = 1; i < sizeof zeros; i = i * 3 + 1) {
			if (!with_index)
				drop("a/quoin-index");
			add("a/quoin-uids", zeros, i);
			add("a/quoin-uids", "QnR1", i % 5);
			open_box(&b, "a", 0);
			check(&b, 3);
			box_close(&b);
		}
	/* the next writer takes it off */
	fill(3, 1);
	open_box(&b, "a", 0);
	check(&b, 4);
	box_close(&b);
	assert_true(size_of("a/quoin-uids") < whole + 300);
}

/* Cut anywhere, without an index that knows better: what is left counts, the rest comes
 * again, and no uid has two messages. */
static void test_cut_anywhere(void **state)
{
	struct box b;
	off_t first;
	off_t all;

	(void)state;
	fill(0, 2);
	open_box(&b, "a", 0);
	first = size_of("a/quoin-uids");
	fill(2, 2);
	assert_int_equal(box_sync(&b), 0);
	box_close(&b);
	all = size_of("a/quoin-uids");
	assert_true(first < all);
	for (off_t n = all - 1; n >= first; n -= 7) {
		cut("a/quoin-uids", n);
		drop("a/quoin-index");
		open_box(&b, "a", 0);
		check(&b, 4);
		box_close(&b);
		assert_int_equal(size_of("a/quoin-uids"), all);
	}
}

/* What was durable once is damaged: no uid may be given twice, so all are others. */
static void test_damage(void **state)
{
	struct box b;
	struct box c;
	uint32_t validity;
	off_t first;

	(void)state;
	fill(0, 2);
	open_box(&b, "a", 0);
	validity = b.uidvalidity;
	first = size_of("a/quoin-uids");
	fill(2, 2);
	assert_int_equal(box_sync(&b), 0);
	fill(4, 2);
	assert_int_equal(box_sync(&b), 0);
	box_close(&b);
	drop("a/quoin-index");
	flip("a/quoin-uids", first - 20);
	open_box(&b, "a", 0);
	assert_true(b.uidvalidity > validity);
	assert_int_equal(b.count, 6);
	assert_true(is_there("a/quoin-uids.damaged"));
	/* under a session: it must open anew */
	open_box(&c, "a", 0);
	flip("a/quoin-uids", 3);
	validity = b.uidvalidity;
	box_close(&c);
	open_box(&c, "a", 0);
	assert_true(c.uidvalidity > validity);
	assert_int_equal(box_sync(&b), -1);
	assert_int_equal(errno, ESTALE);
	box_close(&b);
	box_close(&c);
}

/* The index knows that the log was longer. */
static void test_log_shorter_than_the_index(void **state)
{
	struct box b;
	uint32_t validity;

	(void)state;
	fill(0, 3);
	open_box(&b, "a", 0);
	validity = b.uidvalidity;
	box_close(&b);
	cut("a/quoin-uids", size_of("a/quoin-uids") - 1);
	open_box(&b, "a", 0);
	assert_true(b.uidvalidity > validity);
	assert_int_equal(b.count, 3);
	box_close(&b);
}

static void test_damaged_index(void **state)
{
	struct box b;
	off_t size;

	(void)state;
	fill(0, 600);
	open_box(&b, "a", 0);
	box_close(&b);
	size = size_of("a/quoin-index");
	for (off_t at = 5; at < size; at += size / 23) {
		flip("a/quoin-index", at);
		open_box(&b, "a", 0);
		check(&b, 600);
		assert_int_equal(box_sync(&b), 0);
		check(&b, 600);
		drop("a/quoin-index");
		box_state(&b)->list.learned = 1000;
		box_close(&b);
		assert_true(is_there("a/quoin-index"));
	}
	for (off_t n = size; n >= 0; n -= size / 11) {
		cut("a/quoin-index", n);
		open_box(&b, "a", 0);
		check(&b, 600);
		box_close(&b);
	}
}

/* A directory that was read within two seconds proves nothing; older, all is proof. */
static void age(const char *name)
{
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	char path[400];

	path_of(path, name);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
}

static void test_proof(void **state)
{
	struct box b;

	(void)state;
	fill(0, 10);
	age("a/cur");
	open_box(&b, "a", 0);
	assert_int_not_equal(box_state(&b)->cur.level, DIR_PROOF); /* ctime is now */
	box_close(&b);
	(void)usleep(2100000);
	open_box(&b, "a", 0);
	assert_int_equal(box_state(&b)->cur.level, DIR_PROOF);
	box_close(&b);
	open_box(&b, "a", 0);
	assert_int_equal(box_state(&b)->list.loaded, 0);
	put("a/cur/2000.y:2,", "b\n");
	assert_int_equal(box_sync(&b), 0);
	assert_int_equal(b.count, 11);
	box_close(&b);
}

static uint64_t store(struct box *b, uint32_t at, unsigned flags)
{
	struct box_store s = {
	    .how = BOX_REPLACE, .flags = flags, .unchangedsince = UINT64_MAX};

	assert_int_equal(box_store(b, &at, 1, &s), 0);
	return box_at(b, at)->modseq;
}

/* Records of flags are not synced: after another start of the kernel they may be gone, and
 * their modseqs were seen. */
static void test_lease(void **state)
{
	struct box b;
	uint64_t seen;
	off_t size;

	(void)state;
	fill(0, 2);
	open_box(&b, "a", 0);
	(void)store(&b, 0, MSG_SEEN);
	size = size_of("a/quoin-uids");
	seen = store(&b, 1, MSG_FLAGGED);
	box_close(&b);
	cut("a/quoin-uids", size);
	boxboot[0] ^= 1;
	open_box(&b, "a", 0);
	assert_true(b.uidvalidity != 0);
	assert_int_equal(box_at(&b, 1)->flags, MSG_FLAGGED);
	assert_true(box_at(&b, 1)->modseq > seen);
	assert_true(box_at(&b, 0)->modseq < seen);
	box_close(&b);
	boxboot[0] ^= 1;
	open_box(&b, "a", 0);
	assert_true(store(&b, 0, 0) > seen + LEASE);
	box_close(&b);
}

struct runs {
	uint32_t lo[10], hi[10];
	size_t n;
};

static int collect(void *arg, uint32_t lo, uint32_t hi)
{
	struct runs *r = arg;

	r->lo[r->n] = lo;
	r->hi[r->n++] = hi;
	return 0;
}

static void test_vanished(void **state)
{
	static const uint32_t first[] = {1, 2, 3, 5};
	uint64_t middle;
	uint64_t start;
	struct box b;

	(void)state;
	fill(0, 8);
	open_box(&b, "a", 0);
	start = b.highestmodseq;
	assert_int_equal(box_expunge(&b, first, 4), 0);
	assert_int_equal(box_sync(&b), 0);
	assert_int_equal(b.gone, 4);
	middle = b.highestmodseq;
	box_close(&b);
	open_box(&b, "a", 0); /* from the index */
	assert_int_equal(b.count, 4);
	drop("a/cur/1000.x:2,");
	assert_int_equal(box_sync(&b), 0);
	for (int all = 0; all < 2; all++) {
		struct runs r = {.n = 0};

		assert_int_equal(box_vanished(&b, all ? start : middle, collect, &r), 0);
		assert_int_equal(r.n, all ? 3 : 1);
		assert_int_equal(r.lo[r.n - 1], 1);
		if (all) {
			assert_int_equal(r.lo[0], 2);
			assert_int_equal(r.hi[0], 4);
			assert_int_equal(r.lo[1], 6);
		}
	}
	box_close(&b);
}

/* Another session makes the file anew, once and twice, under this one. */
static void test_compaction(void **state)
{
	struct box b;
	struct box c;

	(void)state;
	fill(0, 3);
	open_box(&b, "a", 0);
	for (int times = 1; times <= 2; times++) {
		uint64_t modseq = 0;

		for (int i = 0; i < times; i++) {
			off_t size;

			open_box(&c, "a", 0);
			for (unsigned k = 0; size_of("a/quoin-uids") < 150000; k++)
				modseq = store(&c, 1, k % 2 ? MSG_SEEN : MSG_FLAGGED);
			size = size_of("a/quoin-uids");
			box_close(&c);
			assert_true(size_of("a/quoin-uids") < size / 10);
		}
		assert_int_equal(box_sync(&b), 0);
		assert_int_equal(box_next_changed(&b, 0), 1);
		assert_int_equal(box_next_changed(&b, 2), 3);
		assert_int_equal(box_at(&b, 1)->modseq, modseq);
		box_told(box_at(&b, 1));
		assert_true(store(&b, 0, times == 1 ? MSG_SEEN : 0) > modseq);
		box_told(box_at(&b, 0));
		open_box(&c, "a", 0);
		assert_int_equal(box_at(&c, 1)->modseq, modseq);
		box_close(&c);
	}
	assert_int_equal(b.uidvalidity, box_state(&b)->log.uidvalidity);
	box_close(&b);
}

/* Before a long wait almost nothing stays in memory, and the view is as it was. */
static void test_rest(void **state)
{
	struct box b;

	(void)state;
	fill(0, 1000);
	put("a/new/3000.n", "n\n");
	open_box(&b, "a", BOX_CLAIM);
	(void)store(&b, 700, MSG_SEEN);
	box_rest(&b);
	for (size_t i = 0; i < b.count; i++) {
		const struct msg *m;

		if (i == 0)
			assert_null(box_state(&b)->list.block[0].m);
		m = box_at(&b, i);
		assert_int_equal(m->uid, i + 1);
		assert_int_equal(m->flags, i == 700 ? MSG_SEEN : 0);
		assert_int_equal(m->state & MSG_RECENT, i == 1000 ? MSG_RECENT : 0);
		assert_int_equal(m->state & MSG_CHANGED, i == 700 ? MSG_CHANGED : 0);
	}
	assert_int_equal(box_next_changed(&b, 0), 700);
	assert_int_equal(b.recent, 1);
	assert_int_equal(box_sync(&b), 0);
	assert_int_equal(b.count, 1001);
	box_close(&b);
}

/* quoin-uids has all uids of the first look, or there is none. */
static void test_first_look(void **state)
{
	const struct rlimit small = {1000, RLIM_INFINITY};
	const struct rlimit any = {RLIM_INFINITY, RLIM_INFINITY};
	struct box b;
	int dir = folder("a");

	(void)state;
	fill(0, 200);
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(box_open(&b, dir, 0), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &any), 0);
	assert_false(is_there("a/quoin-uids"));
	assert_false(is_there("a/quoin-uids.new"));
	assert_int_equal(box_open(&b, dir, 0), 0);
	check(&b, 200);
	box_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_first_look, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_torn_tail, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_cut_anywhere, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_log_shorter_than_the_index, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_damaged_index, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_proof, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_lease, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_vanished, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_compaction, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rest, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
