/* box: one folder, as sessions see it. Each test has a Maildir of its own below /tmp. */
#include <errno.h>
#include <sys/wait.h>

#include "boxdir.h"
#include "maildir/box_int.h"

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

static char warned[512];

static void warn(const char *what, const char *name)
{
	(void)snprintf(warned, sizeof warned, "%s: %s", what, name);
}

static void test_foreign_mess(void **state)
{
	char path[400];
	struct box b;

	(void)state;
	put("a/cur/1000.x:2,S", "a\n");
	put("a/new/1000.x", "another\n");
	put("a/cur/1001.y:2,", "b\n");
	put("a/cur/1001.y:2,F", "bb\n");
	put("a/cur/.hidden", "b\n");
	path_of(path, "a/cur/1002.fifo:2,");
	assert_int_equal(mkfifo(path, 0600), 0);
	path_of(path, "a/cur/1003.dir:2,");
	assert_int_equal(mkdir(path, 0700), 0);
	path_of(path, "a/new/1004.link");
	assert_int_equal(symlink("/etc/passwd", path), 0);
	path_of(path, "a/tmp");
	assert_int_equal(rmdir(path), 0);
	box_warn = warn;
	open_box(&b, "a", BOX_CLAIM);
	assert_int_equal(b.count, 4);
	assert_true(warned[0] != '\0');
	for (size_t i = 0; i < b.count; i++) {
		int fd = box_message(&b, i);

		assert_true(fd != -1);
		(void)close(fd);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(box_at(&b, k)->name, box_at(&b, i)->name);
	}
	assert_true(is_there("a/tmp"));
	/* a file becomes a FIFO under our feet */
	path_of(path, "a/cur/x");
	(void)snprintf(path, sizeof path, "%s/a/cur/%s", top, box_at(&b, 0)->name);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(box_message(&b, 0), -1);
	assert_int_equal(errno, EINVAL);
	box_close(&b);
	open_box(&b, "a", 0);
	assert_int_equal(b.count, 3);
	box_close(&b);
}

static void assert_bases_differ(struct box *b)
{
	for (size_t i = 0; i < b->count; i++)
		for (size_t k = 0; k < i; k++) {
			const char *x = box_at(b, k)->name;
			const char *y = box_at(b, i)->name;
			size_t n = strcspn(x, ",:");

			assert_false(n == strcspn(y, ",:") && memcmp(x, y, n) == 0);
		}
}

/* New files of one base, with others' names between theirs in the order of bytes. */
static void test_one_base(void **state)
{
	static const char *const names[] = {"cur/a,S=2",
					    "cur/a-b:2,",
					    "cur/a.b,S=2:2,S",
					    "cur/a:2,S",
					    "new/a",
					    "cur/c:2,",
					    "cur/c:2,F",
					    "cur/c:2,S",
					    "cur/1700000000.x:2,",
					    "new/1700000000.x",
					    "new/1700000000.x,S=2"};
	char path[64];
	struct box b;

	(void)state;
	for (size_t i = 0; i < COUNT(names) * 2; i++) {
		(void)snprintf(path, sizeof path, "%c/%s", i % 2 == 0 ? 'a' : 'b',
			       names[i / 2]);
		put(path, "a\n");
	}
	for (int claim = 0; claim < 2; claim++) {
		const char *name = claim ? "b" : "a";

		open_box(&b, name, claim ? BOX_CLAIM : 0);
		assert_int_equal(b.count, COUNT(names));
		assert_bases_differ(&b);
		assert_int_equal(boxscan(&b, 1), 0);
		assert_int_equal(boxscan(&b, 1), 0);
		assert_int_equal(b.gone, 0);
		assert_int_equal(b.uidnext, COUNT(names) + 1);
		box_close(&b);
	}
}

/* Two names of one file are one message, by either of them. */
static void test_links(void **state)
{
	char a[400];
	char b[400];
	struct box box;

	(void)state;
	put("a/cur/1000.x:2,", "a\n");
	path_of(a, "a/cur/1000.x:2,");
	path_of(b, "a/cur/1000.x:2,S");
	assert_int_equal(link(a, b), 0);
	open_box(&box, "a", 0);
	assert_int_equal(box.count, 1);
	drop("a/cur/1000.x:2,");
	assert_int_equal(boxscan(&box, 1), 0);
	assert_int_equal(boxscan(&box, 1), 0);
	assert_int_equal(box.count, 1);
	assert_int_equal(box.gone, 0);
	assert_string_equal(box_at(&box, 0)->name, "1000.x:2,S");
	box_close(&box);
}

static void assert_text(struct box *b, uint32_t uid, const char *text)
{
	char is[16] = "";
	size_t at = box_find(b, uid);
	int fd;

	assert_int_equal(box_at(b, at)->uid, uid);
	fd = box_message(b, at);
	assert_int_not_equal(fd, -1);
	assert_int_equal(read(fd, is, sizeof is - 1), strlen(text));
	assert_string_equal(is, text);
	(void)close(fd);
}

/* Another program uses a base again: a uid stays with its file, in whatever order the
 * directories are read. */
static void test_base_used_again(void **state)
{
	static const char *const others[] = {"a/new/1000.x", "a/cur/1000.x:2,",
					     "a/cur/1000.x:2,SF", "a/cur/1000.x,S=4:2,S",
					     "a/cur/1000.x"};
	struct box b;

	(void)state;
	put("a/cur/1000.x:2,S", "old\n");
	open_box(&b, "a", BOX_CLAIM);
	for (size_t i = 0; i < COUNT(others); i++) {
		put(others[i], "new\n");
		assert_int_equal(boxscan(&b, 1), 0);
		assert_int_equal(box_sync(&b), 0);
		assert_int_equal(b.count, i + 2);
		assert_int_equal(b.gone, 0);
		assert_text(&b, 1, "old\n");
		assert_string_equal(box_at(&b, 0)->name, "1000.x:2,S");
		assert_text(&b, (uint32_t)i + 2, "new\n");
	}
	box_close(&b);
}

/* The longest names: none is hidden, and each can be copied. */
static void test_long_names(void **state)
{
	char fields[MSG_NAME + 1];
	char name[MSG_NAME + 8];
	static const char *const parts[] = {"a/cur/1.x,", "a/cur/2.y,", "a/new/2.y,",
					    "a/new/3"};
	struct box_copied out;
	uint32_t all[4] = {0, 1, 2, 3};
	struct box b;
	int to = folder("b");

	(void)state;
	for (size_t i = 0; i < COUNT(parts); i++) {
		size_t n = strlen(parts[i]);

		memset(fields, 'f', sizeof fields);
		fields[MSG_NAME + 6 - n - (i < 2 ? 3 : 0)] = '\0';
		(void)snprintf(name, sizeof name, "%s%s%s", parts[i], fields,
			       i < 2 ? ":2," : "");
		assert_int_equal(strlen(name) - 6, MSG_NAME);
		put(name, "a\n");
	}
	open_box(&b, "a", BOX_CLAIM);
	assert_int_equal(b.count, COUNT(parts));
	assert_bases_differ(&b);
	assert_int_equal(box_sync(&b), 0);
	assert_int_equal(boxscan(&b, 1), 0);
	assert_int_equal(b.gone, 0);
	assert_int_equal(b.uidnext, COUNT(parts) + 1);
	assert_int_equal(box_copy(&b, all, COUNT(all), to, 0, &out), 0);
	assert_int_equal(out.done, COUNT(all));
	(void)close(to);
	box_close(&b);
	open_box(&b, "b", BOX_CLAIM);
	assert_int_equal(b.count, COUNT(all));
	box_close(&b);
}

static void test_arrive_together(void **state)
{
	static const char *const words[] = {"$Junk", "work", NULL};
	struct box_arrival a[] = {{"t1", "2000.a,S=2,W=3", MSG_SEEN, words},
				  {"t2", "2001.b", 0, NULL}};
	struct box_arrival wrong[] = {{"t3", "2003.c", 0, NULL},
				      {"t4", "2000.a:x", 0, NULL}};
	struct box_copied out;
	struct box b;
	int dir;

	(void)state;
	put("a/tmp/t1", "a\n");
	put("a/tmp/t2", "b\n");
	put("a/tmp/t3", "c\n");
	put("a/tmp/t4", "d\n");
	dir = folder("a");
	assert_int_equal(box_arrive(dir, a, 2, &out, NULL), 0);
	assert_int_equal(out.first, 1);
	assert_int_equal(box_arrive(dir, wrong, 2, &out, NULL), -1);
	assert_true(is_there("a/tmp/t3"));
	assert_int_equal(box_open(&b, dir, 0), 0);
	assert_int_equal(b.uidvalidity, out.uidvalidity);
	assert_int_equal(b.count, 2);
	assert_int_equal(box_at(&b, 0)->keywords, 3);
	assert_string_equal(box_keyword(&b, 1), "work");
	assert_int_equal(box_keyword_bit(&b, "WORK", 0), 1);
	assert_int_equal(box_keyword_bit(&b, "none", 0), -1);
	assert_string_equal(box_at(&b, 0)->name, "2000.a,S=2,W=3:2,S");
	/* by the session's own next look: no directory need be read */
	assert_int_equal(box_arrive(dir, &(struct box_arrival){"t3", "2003.c", 0, NULL},
				    1, &out, NULL),
			 0);
	assert_int_equal(out.first, 3);
	assert_int_equal(box_sync(&b), 0);
	assert_int_equal(b.count, 3);
	box_close(&b);
}

/* One after another, as APPEND does; what is kept is never of another file. */
static void arrive_kept(const char *where, const char *base, struct box_kept **kept,
			uint32_t wanted)
{
	struct box_arrival a = {"t", base, 0, NULL};
	struct box_copied out;
	char tmp[20];
	int dir = folder(where);

	(void)snprintf(tmp, sizeof tmp, "%s/tmp/t", where);
	put(tmp, "a\n");
	assert_int_equal(box_arrive(dir, &a, 1, &out, kept), 0);
	assert_int_equal(out.first, wanted);
	assert_int_equal(close(dir), 0);
}

static void test_arrive_kept(void **state)
{
	struct box_kept *kept = NULL;
	struct box b;

	(void)state;
	arrive_kept("a", "2000.a", &kept, 1);
	arrive_kept("a", "2001.a", NULL, 2);
	arrive_kept("a", "2002.a", &kept, 3);
	arrive_kept("b", "2000.b", &kept, 1);
	arrive_kept("a", "2003.a", &kept, 4);
	open_box(&b, "a", 0);
	assert_int_equal(b.count, 4);
	assert_int_equal(box_expunge(&b, (const uint32_t[]){0, 3}, 2), 0);
	box_close(&b);
	arrive_kept("a", "2004.a", &kept, 5);
	drop("a/quoin-uids");
	arrive_kept("a", "2005.a", &kept, 1);
	box_forget(kept);
	open_box(&b, "a", 0);
	assert_int_equal(b.count, 4);
	box_close(&b);
}

static void test_take_over(void **state)
{
	const struct box_taken msg[] = {{"1000.x", 7, "uidl-x", 0},
					{"1001.y", 9, NULL, 2},
					{"1002.gone", 8, "uidl-gone", 0}};
	const struct box_takeover t = {.uidvalidity = 1234,
				       .uidnext = 20,
				       .words = {"work", NULL, "$Junk"},
				       .has_letters = 1,
				       .msg = msg,
				       .n = COUNT(msg)};
	char uidl[71];
	struct box b;
	int dir;

	(void)state;
	put("a/cur/1000.x:2,Sac", "a\n");
	put("a/new/1001.y", "b\n");
	put("a/cur/1003.z:2,", "c\n");
	dir = folder("a");
	assert_int_equal(box_take_over(dir, &t), 0);
	assert_int_equal(box_take_over(dir, &t), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(box_open(&b, dir, 0), 0);
	assert_int_equal(b.uidvalidity, 1234);
	assert_int_equal(b.count, 3);
	assert_int_equal(box_at(&b, 0)->uid, 7);
	assert_int_equal(box_at(&b, 0)->keywords, 5);
	assert_int_equal(box_at(&b, 1)->uid, 9);
	assert_int_equal(box_at(&b, 2)->uid, 20);
	assert_int_equal(box_at(&b, 1)->keywords, 2);
	assert_string_equal(box_keyword(&b, 2), "$Junk");
	assert_int_equal(box_uidl(&b, 0, uidl), 1);
	assert_string_equal(uidl, "uidl-x");
	assert_int_equal(box_uidl(&b, 1, uidl), 0);
	box_close(&b);
}

/* One of them does it, whatever the other sees first. */
static void test_take_over_at_once(void **state)
{
	const struct box_taken msg[] = {{"1000.x", 7, NULL, 0}};
	const struct box_takeover t = {
	    .uidvalidity = 1234, .uidnext = 20, .msg = msg, .n = COUNT(msg)};
	int done = 0;
	int status;
	struct box b;

	(void)state;
	put("a/cur/1000.x:2,", "a\n");
	for (int i = 0; i < 4; i++)
		if (fork() == 0)
			_exit(box_take_over(folder("a"), &t) == 0 ? 0
			      : errno == EEXIST                   ? 1
								  : 2);
	while (wait(&status) != -1) {
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		done += WEXITSTATUS(status) == 0;
	}
	assert_int_equal(done, 1);
	open_box(&b, "a", 0);
	assert_int_equal(b.uidvalidity, 1234);
	assert_int_equal(box_at(&b, 0)->uid, 7);
	box_close(&b);
}

static void test_store_if_unchanged(void **state)
{
	struct box b;
	uint32_t at[] = {0, 1};
	struct box_store s = {
	    .how = BOX_ADD, .flags = MSG_SEEN, .unchangedsince = UINT64_MAX};

	(void)state;
	put("a/cur/1000.x:2,", "a\n");
	put("a/cur/1001.y:2,", "b\n");
	open_box(&b, "a", 0);
	assert_int_equal(box_store(&b, at, 1, &s), 0);
	s.unchangedsince = box_at(&b, 1)->modseq;
	s.flags = MSG_FLAGGED;
	assert_int_equal(box_store(&b, at, 2, &s), 0);
	assert_int_equal(box_at(&b, 0)->flags, MSG_SEEN);
	assert_int_equal(box_at(&b, 1)->flags, MSG_FLAGGED);
	assert_int_equal(box_next_since(&b, 0, box_at(&b, 0)->modseq), 1);
	assert_int_equal(box_next_since(&b, 0, b.highestmodseq), 0);
	box_close(&b);
}

/* While a STORE is under way: "modified" is called before the second message's turn. */
static size_t modified[4];
static size_t modified_n;
static const char *foreign[2];

static void note_modified(void *arg, size_t i)
{
	(void)arg;
	if (modified_n == 0)
		shift(foreign[0], foreign[1]);
	modified[modified_n++] = i;
}

static void test_store_if_unchanged_meanwhile(void **state)
{
	static const struct {
		const char *to; /* what another program makes of message 1 */
		unsigned flags;
		uint64_t keywords;
		size_t modified; /* how many are */
		unsigned has;    /* flags in the end */
	} cases[] = {
	    {"a/cur/1001.y:2,S", MSG_FLAGGED, 0, 2, MSG_SEEN},
	    {"a/cur/1001.y:2,S", MSG_SEEN, 0, 2, MSG_SEEN},
	    {"a/cur/1001.y:2,S", 0, 1, 2, MSG_SEEN},
	    {"a/cur/1001.y:2,S", 0, 0, 2, MSG_SEEN},
	    {"a/cur/1001.y,S=2:2,", MSG_FLAGGED, 0, 1,
	     MSG_FLAGGED}, /* no change of state */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint32_t at[] = {0, 1};
		struct box_store s = {.how = BOX_ADD,
				      .flags = MSG_SEEN,
				      .unchangedsince = UINT64_MAX,
				      .modified = note_modified};
		struct box b;

		put("a/cur/1000.x:2,", "a\n");
		put("a/cur/1001.y:2,", "b\n");
		open_box(&b, "a", 0);
		assert_int_equal(box_keyword_bit(&b, "work", 1), 0);
		assert_int_equal(box_store(&b, at, 1, &s), 0);
		s.unchangedsince = box_at(&b, 1)->modseq;
		s.flags = cases[i].flags;
		s.keywords = cases[i].keywords;
		foreign[0] = "a/cur/1001.y:2,";
		foreign[1] = cases[i].to;
		modified_n = 0;
		assert_int_equal(box_store(&b, at, 2, &s), 0);
		assert_int_equal(modified_n, cases[i].modified);
		assert_int_equal(box_at(&b, 1)->flags, cases[i].has);
		assert_int_equal(box_at(&b, 1)->keywords, 0);
		box_close(&b);
		assert_int_equal(teardown(NULL), 0);
		assert_int_equal(setup(NULL), 0);
	}
}

/* Only root passes by the bits of a mode. */
static void test_read_only(void **state)
{
	uint32_t at[] = {0};
	struct box_store s = {
	    .how = BOX_ADD, .flags = MSG_SEEN, .unchangedsince = UINT64_MAX};
	char path[400];
	struct box b;

	(void)state;
	if (geteuid() == 0)
		skip();
	put("a/cur/1000.x:2,", "a\n");
	open_box(&b, "a", 0);
	box_close(&b);
	path_of(path, "a/cur");
	assert_int_equal(chmod(path, 0500), 0);
	open_box(&b, "a", BOX_CLAIM);
	assert_int_equal(b.count, 1);
	assert_int_equal(box_store(&b, at, 1, &s), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(box_at(&b, 0)->flags, 0);
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
	    cmocka_unit_test_setup_teardown(test_foreign_mess, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_one_base, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_links, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_base_used_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_long_names, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_arrive_kept, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_arrive_together, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_take_over, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_take_over_at_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_store_if_unchanged, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_store_if_unchanged_meanwhile, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_read_only, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
