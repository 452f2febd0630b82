/* box: what is kept of a folder between arrivals, while others compact, rename, remove,
 * damage it. */
#include <errno.h>

#include "boxdir.h"
#include "maildir/box_int.h"

static struct box_kept *kept;

static struct box_copied arrive(const char *where, const char *base, uint32_t wanted)
{
	static const char *const words[] = {"word", NULL};
	struct box_arrival a = {"t", base, 0, words};
	struct box_copied out;
	char tmp[20];
	int dir = folder(where);

	(void)snprintf(tmp, sizeof tmp, "%s/tmp/t", where);
	put(tmp, "a\n");
	assert_int_equal(box_arrive(dir, &a, 1, &out, &kept), 0);
	assert_int_equal(out.first, wanted);
	assert_int_equal(close(dir), 0);
	return out;
}

static void expunge_first(const char *where)
{
	struct box b;

	open_box(&b, where, 0);
	assert_int_equal(box_expunge(&b, (const uint32_t[]){0}, 1), 0);
	box_close(&b);
}

/* Until the file is another. */
static void compact(const char *where)
{
	struct box_store s = {.how = BOX_REPLACE, .unchangedsince = UINT64_MAX};
	const uint32_t at = 0;
	struct box b;

	open_box(&b, where, 0);
	while (!boxcompact_pays(&b)) {
		s.flags ^= MSG_SEEN;
		assert_int_equal(box_store(&b, &at, 1, &s), 0);
	}
	box_close(&b);
	open_box(&b, where, 0);
	assert_true(box_state(&b)->log.off < 10000);
	box_close(&b);
}

/* uids from first on, one after another, all with the word. */
static void check(const char *where, size_t n, uint32_t first, uint32_t validity)
{
	struct box b;
	int bit;

	open_box(&b, where, 0);
	bit = box_keyword_bit(&b, "word", 0);
	assert_in_range(bit, 0, 63);
	assert_int_equal(b.count, n);
	assert_int_equal(b.uidvalidity, validity);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(box_at(&b, i)->uid, first + i);
		assert_true(box_at(&b, i)->keywords >> bit & 1);
	}
	box_close(&b);
}

static void test_compacted(void **state)
{
	uint32_t validity;

	(void)state;
	validity = arrive("a", "1.x", 1).uidvalidity;
	(void)arrive("a", "2.x", 2);
	for (uint32_t times = 1; times <= 2; times++) {
		for (uint32_t i = 0; i < times; i++)
			compact("a");
		expunge_first("a");
		assert_int_equal(
		    arrive("a", times == 1 ? "3.x" : "4.x", 2 + times).uidvalidity,
		    validity);
	}
	check("a", 2, 3, validity);
}

static void test_renamed(void **state)
{
	struct box_copied out;
	uint32_t validity;

	(void)state;
	validity = arrive("a", "1.x", 1).uidvalidity;
	shift("b", "c");
	shift("a", "b");
	assert_int_equal(arrive("b", "2.x", 2).uidvalidity, validity);
	shift("c", "a");
	out = arrive("a", "1.x", 1);
	assert_int_equal(arrive("b", "3.x", 3).uidvalidity, validity);
	check("b", 3, 1, validity);
	check("a", 1, 1, out.uidvalidity);
}

/* Others have made it anew: the uids of before are nobody's. */
static void test_damaged(void **state)
{
	char path[400];
	struct stat st;
	uint32_t before;
	struct box b;

	(void)state;
	before = arrive("a", "1.x", 1).uidvalidity;
	(void)arrive("a", "2.x", 2);
	path_of(path, "a/quoin-uids");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 10), 0);
	assert_true(arrive("a", "3.x", 1).uidvalidity > before);
	assert_true(is_there("a/quoin-uids.damaged"));
	(void)arrive("a", "4.x", 2);
	open_box(&b, "a", 0);
	assert_int_equal(b.count, 4);
	box_close(&b);
}

/* A no leaves nothing, and the next one is answered. */
static void test_refused(void **state)
{
	struct box_arrival a[] = {{"t", "2.x", 0, NULL}, {"absent", "3.x", 0, NULL}};
	struct box_copied out;
	uint32_t validity;
	int dir;

	(void)state;
	validity = arrive("a", "1.x", 1).uidvalidity;
	put("a/tmp/t", "a\n");
	dir = folder("a");
	assert_int_equal(box_arrive(dir, a, 2, &out, &kept), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(close(dir), 0);
	assert_true(is_there("a/tmp/t"));
	assert_int_equal(arrive("a", "4.x", 2).uidvalidity, validity);
	check("a", 2, 1, validity);
}

static int forget(void **state)
{
	box_forget(kept);
	kept = NULL;
	return teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_compacted, setup, forget),
	    cmocka_unit_test_setup_teardown(test_renamed, setup, forget),
	    cmocka_unit_test_setup_teardown(test_damaged, setup, forget),
	    cmocka_unit_test_setup_teardown(test_refused, setup, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
