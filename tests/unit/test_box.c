/* box: one folder, as sessions see it. Each test has a Maildir of its own below /tmp. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exact.h"
#include "maildir/box.h"

static char top[32];

static int setup(void **state)
{
	char path[64];

	(void)state;
	box_boot();
	(void)snprintf(top, sizeof top, "/tmp/test-box-XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	for (const char *const *d =
		 (const char *const[]){"", "/new", "/cur", "/tmp", NULL};
	     *d != NULL; d++) {
		(void)snprintf(path, sizeof path, "%s/a%s", top, *d);
		(void)mkdir(path, 0700);
		(void)snprintf(path, sizeof path, "%s/b%s", top, *d);
		(void)mkdir(path, 0700);
	}
	return 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof command, "rm -rf %s", top);
	return system(command);
}

static int folder(const char *name)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", top, name);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(fd != -1);
	return fd;
}

static void put(const char *name, const char *text)
{
	char path[400];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", top, name);
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static int is_there(const char *name)
{
	char path[400];

	(void)snprintf(path, sizeof path, "%s/%s", top, name);
	return access(path, F_OK) == 0;
}

static void shift(const char *from, const char *to)
{
	char a[400];
	char b[400];

	(void)snprintf(a, sizeof a, "%s/%s", top, from);
	(void)snprintf(b, sizeof b, "%s/%s", top, to);
	assert_int_equal(rename(a, b), 0);
}

static void drop(const char *name)
{
	char path[400];

	(void)snprintf(path, sizeof path, "%s/%s", top, name);
	assert_int_equal(unlink(path), 0);
}

static void test_uids_stay(void **state)
{
	struct box b;
	uint32_t validity;

	(void)state;
	put("a/cur/1000.x:2,S", "a\n");
	put("a/new/1001.y", "b\n");
	assert_int_equal(box_open(&b, folder("a"), BOX_CLAIM), 0);
	assert_int_equal(b.count, 2);
	assert_int_equal(b.recent, 1);
	assert_int_equal(box_at(&b, 0)->uid, 1);
	assert_int_equal(box_at(&b, 0)->flags, MSG_SEEN);
	assert_string_equal(box_at(&b, 1)->name, "1001.y:2,");
	assert_true(is_there("a/cur/1001.y:2,"));
	assert_true(b.uidvalidity != 0);
	assert_int_equal(b.uidnext, 3);
	validity = b.uidvalidity;
	box_close(&b);

	put("a/new/0999.z", "c\n");
	assert_int_equal(box_open(&b, folder("a"), 0), 0);
	assert_int_equal(b.uidvalidity, validity);
	assert_int_equal(b.count, 3);
	assert_int_equal(b.recent, 0);
	assert_string_equal(box_at(&b, 2)->name, "0999.z");
	assert_int_equal(box_at(&b, 2)->uid, 3);
	assert_true(box_at(&b, 2)->state & MSG_NEW);
	box_close(&b);
}

static void test_others_change_flags(void **state)
{
	struct box b;
	uint64_t before;

	(void)state;
	put("a/cur/1000.x:2,Sa", "a\n");
	put("a/cur/1001.y,S=2,W=3:2,", "b\n");
	assert_int_equal(box_open(&b, folder("a"), 0), 0);
	before = b.highestmodseq;
	shift("a/cur/1000.x:2,Sa", "a/cur/1000.x:2,RSa");
	assert_int_equal(box_sync(&b), 0);
	assert_true(b.highestmodseq > before);
	assert_int_equal(box_next_changed(&b, 0), 0);
	assert_int_equal(box_next_changed(&b, 1), 2);
	assert_int_equal(box_at(&b, 0)->flags, MSG_SEEN | MSG_ANSWERED);
	assert_int_equal(box_at(&b, 0)->modseq, b.highestmodseq);
	box_told(box_at(&b, 0));
	assert_int_equal(box_next_changed(&b, 0), 2);
	drop("a/cur/1001.y,S=2,W=3:2,");
	assert_int_equal(box_sync(&b), 0);
	assert_int_equal(b.count, 2);
	assert_int_equal(b.gone, 1);
	assert_int_equal(box_next_gone(&b, 0), 1);
	box_drop_gone(&b);
	assert_int_equal(b.count, 1);
	/* the same name again is another message */
	put("a/cur/1001.y,S=2,W=3:2,", "b\n");
	assert_int_equal(box_sync(&b), 0);
	assert_int_equal(b.count, 2);
	assert_int_equal(box_at(&b, 1)->uid, 3);
	box_close(&b);
}

static void test_store(void **state)
{
	struct box b;
	struct box c;
	uint32_t at[] = {0, 1};
	struct box_store s = {
	    .how = BOX_ADD, .flags = MSG_FLAGGED, .unchangedsince = UINT64_MAX};
	int bit;

	(void)state;
	put("a/cur/1000.x:2,Sa", "a\n");
	put("a/cur/1001.y,S=2,W=3", "b\n");
	assert_int_equal(box_open(&b, folder("a"), 0), 0);
	assert_int_equal(box_open(&c, folder("a"), 0), 0);
	bit = box_keyword_bit(&b, "$Forwarded", 1);
	assert_int_equal(bit, 0);
	s.keywords = 1;
	assert_int_equal(box_store(&b, at, 2, &s), 0);
	assert_true(is_there("a/cur/1000.x:2,FSa"));
	assert_true(is_there("a/cur/1001.y,S=2,W=3:2,F"));
	assert_int_equal(box_at(&b, 0)->flags, MSG_SEEN | MSG_FLAGGED);
	assert_int_equal(box_at(&b, 0)->keywords, 1);
	assert_int_equal(box_sync(&c), 0);
	assert_int_equal(box_next_changed(&c, 0), 0);
	assert_int_equal(box_next_changed(&c, 1), 1);
	assert_string_equal(box_keyword(&c, 0), "$Forwarded");
	assert_int_equal(box_at(&c, 1)->flags, MSG_FLAGGED);
	assert_int_equal(box_at(&c, 1)->keywords, 1);
	assert_int_equal(box_at(&c, 1)->modseq, box_at(&b, 1)->modseq);
	s.how = BOX_REPLACE;
	s.flags = MSG_DELETED;
	s.keywords = 0;
	assert_int_equal(box_store(&c, at + 1, 1, &s), 0);
	assert_true(is_there("a/cur/1001.y,S=2,W=3:2,T"));
	assert_int_equal(box_expunge(&c, at + 1, 1), 0);
	assert_false(is_there("a/cur/1001.y,S=2,W=3:2,T"));
	assert_int_equal(box_message(&b, 1), -1);
	assert_int_equal(errno, ENOENT);
	assert_true(box_at(&b, 1)->state & MSG_GONE);
	box_close(&c);
	box_close(&b);
}

static void test_copy_and_move(void **state)
{
	struct box b;
	struct box c;
	struct box_copied out;
	uint32_t at[] = {0, 1, 2};

	(void)state;
	put("a/cur/1000.x:2,Sa", "a\n");
	put("a/cur/1001.y,S=2,W=3:2,", "b\n");
	put("a/cur/1002.z:2,D", "b\n");
	assert_int_equal(box_open(&b, folder("a"), 0), 0);
	assert_int_equal(box_open(&c, folder("b"), 0), 0);
	assert_int_equal(box_copy(&b, at, 3, c.dir, 0, &out), 0);
	assert_int_equal(out.done, 3);
	assert_int_equal(out.first, 1);
	assert_int_equal(out.uidvalidity, c.uidvalidity);
	assert_int_equal(box_sync(&c), 0);
	assert_int_equal(c.count, 3);
	assert_int_equal(box_at(&c, 0)->flags, MSG_SEEN);
	drop("a/cur/1001.y,S=2,W=3:2,");
	shift("a/cur/1002.z:2,D", "a/cur/1002.z:2,DS");
	assert_int_equal(box_copy(&b, at, 3, c.dir, 1, &out), 0);
	assert_int_equal(out.done, 2);
	assert_int_equal(out.first, 4);
	assert_int_equal(at[1], 2);
	assert_int_equal(box_sync(&b), 0);
	assert_int_equal(b.gone, 3);
	box_drop_gone(&b);
	assert_int_equal(b.count, 0);
	assert_int_equal(box_sync(&c), 0);
	assert_int_equal(c.count, 5);
	box_close(&c);
	box_close(&b);
}

static void test_sizes(void **state)
{
	static const struct {
		const char *name, *text;
		uint32_t size;
	} t[] = {
	    {"a/cur/1000.a,S=2,W=3:2,", "a\n", 3},
	    {"a/cur/1001.a:2,", "a\nb\n", 6},
	    {"a/cur/1002.a,S=2,W=2:2,", "a\nb\n", 6},
	    {"a/cur/1003.a:2,", "a\r\nb\n\n", 8},
	    {"a/cur/1004.a:2,", "", 0},
	    {"a/cur/1005.a:2,", "\n", 2},
	};
	struct box_counts c;
	struct box b;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++)
		put(t[i].name, t[i].text);
	assert_int_equal(box_open(&b, folder("a"), 0), 0);
	for (size_t i = 0; i < COUNT(t); i++) {
		assert_int_equal(box_size(&b, i), 0);
		assert_int_equal(box_at(&b, i)->size, t[i].size);
		assert_int_equal(box_date(&b, i), 0);
		assert_true(box_at(&b, i)->date > 0);
	}
	assert_int_equal(box_counts(&b, &c, 1), 0);
	assert_int_equal(c.bytes, 25);
	assert_int_equal(c.unseen, 6);
	assert_int_equal(c.first_unseen, 0);
	box_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_uids_stay, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_others_change_flags, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_store, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_copy_and_move, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
