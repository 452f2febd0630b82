#include "exact.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "maildir/box.h"
#include "maildir/quota.h"
#include "maildir/store.h"
#include "maildir/store_int.h"
#include "scratch.h"

static char top[40];
static struct store s;

static int setup(void **state)
{
	int base;

	(void)state;
	(void)snprintf(top, sizeof top, "/tmp/test-store-XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	base = open(top, O_RDONLY | O_DIRECTORY);
	if (store_open(&s, base, "./Maildir/") == -1)
		return -1;
	return close(base);
}

static int teardown(void **state)
{
	(void)state;
	store_close(&s);
	return scratch_remove(top);
}

/* ---- names ---- */

static char long_200[201];
static char long_201[202];

static const struct {
	const char *name;
	const char *canon; /* NULL: refused */
} canons[] = {
    {"INBOX", "INBOX"},
    {"inbox", "INBOX"},
    {"InBoX", "INBOX"},
    {"inbox.x", "INBOX.x"},
    {"inboxes", "inboxes"},
    {"x.inbox", "x.inbox"},
    {"A.", "A"},
    {"A.B", "A.B"},
    {"a b", "a b"},
    {"&", "&"},
    {"%*\"\\", "%*\"\\"},
    {"\xc3\xa4", "\xc3\xa4"},
    {"a\xcc\x88", "a\xcc\x88"},
    {long_200, long_200},
    {long_201, NULL},
    {"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16", "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16"},
    {"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17", NULL},
    {"", NULL},
    {".", NULL},
    {"..", NULL},
    {"...", NULL},
    {"A..", NULL},
    {".A", NULL},
    {"A..B", NULL},
    {"../x", NULL},
    {"A.../x", NULL},
    {"/etc/passwd", NULL},
    {"a/b", NULL},
    {"a\x01", NULL},
    {"a\n", NULL},
    {"a\x7f", NULL},
    {"\xc2\x85", NULL}, /* U+0085: a line's end to some */
    {"\xc3", NULL},
    {"\xc0\xaf", NULL},
    {"\xed\xa0\x80", NULL},
};

static void test_canon(void **state)
{
	char out[FOLDER_NAME + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(canons); i++) {
		size_t n = strlen(canons[i].name);
		char *in = exact(canons[i].name, n);

		errno = 0;
		if (folder_canon(out, in, n) == -1) {
			assert_int_equal(errno, EINVAL);
			if (canons[i].canon != NULL)
				fail_msg("refused: %s", canons[i].name);
		} else if (canons[i].canon == NULL) {
			fail_msg("taken: %s", canons[i].name);
		} else {
			assert_string_equal(out, canons[i].canon);
		}
		free(in);
	}
	assert_int_equal(folder_canon(out, "a\0b", 3), -1);
}

/* What lies on a disk, and what it is called: NULL is hidden. */
static const struct {
	const char *disk;
	const char *name;
} disks[] = {
    {".A", "A"},
    {".A.B", "A.B"},
    {".Entw&APw-rfe", "Entw\xc3\xbcrfe"},
    {".Entw\xc3\xbcrfe", "Entw\xc3\xbcrfe"},
    {".a&-b", "a&b"},
    {".a&b", "a&b"},
    {".&AOQ", "&AOQ"},
    {".&AGE-", "&AGE-"},
    {".INBOX.x", "INBOX.x"},
    {".INBOX", NULL},
    {".inbox", NULL},
    {".inbox.x", NULL},
    {".", NULL},
    {"..", NULL},
    {"..A", NULL},
    {".A.", NULL},
    {".A..B", NULL},
    {"A", NULL},
    {".\xff", NULL},
    {".a\n", NULL},
    {".&AAo-", NULL}, /* a line's end */
};

static void test_disk(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(disks); i++) {
		char out[FOLDER_NAME + 1] = "";
		int r = store_from_disk(out, disks[i].disk);

		if ((r == -1) != (disks[i].name == NULL) ||
		    (r == 0 && strcmp(out, disks[i].name) != 0))
			fail_msg("%s is %s", disks[i].disk, r == 0 ? out : "hidden");
	}
}

static void test_order(void **state)
{
	static const char *const names[] = {"INBOX", "INBOX.a", "A",       "A.B",
					    "A.B.C", "A.C",     "A B",     "A-B",
					    "AB",    "inboxes", "\xc3\xa4"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		for (size_t k = 0; k < COUNT(names); k++) {
			int r = store_compare(names[i], names[k]);

			if ((r > 0) - (r < 0) != (i > k) - (i < k))
				fail_msg("%s and %s: %d", names[i], names[k], r);
		}
}

/* ---- the list ---- */

static void foreign(const char *disk)
{
	assert_int_equal(mkdirat(s.root, disk, 0700), 0);
}

static int exists(const char *path)
{
	struct stat st;

	return fstatat(s.root, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* "NAME bits" of all, one a line. */
static void listed(int all, int marked, const char *want)
{
	static const char letters[] = "ecsDSJTAFam";
	static char text[8192];
	struct folders f;
	size_t n = 0;

	assert_int_equal(folders_read(&f, &s, all, marked), 0);
	text[0] = '\0';
	for (size_t i = 0; i < f.n; i++) {
		n += (size_t)snprintf(text + n, sizeof text - n, "%s ", f.folder[i].name);
		for (size_t b = 0; b < sizeof letters - 1; b++)
			if (f.folder[i].bits & 1U << b)
				text[n++] = letters[b];
		text[n++] = '\n';
		text[n] = '\0';
	}
	folders_free(&f);
	assert_string_equal(text, want);
}

static void create(const char *name)
{
	if (folder_create(&s, name, 0) == -1)
		fail_msg("create %s: %s", name, strerror(errno));
}

static void test_list(void **state)
{
	(void)state;
	listed(0, 0, "INBOX e\n");
	create("b");
	create("a.b.c");
	create("a-b");
	create("inbox.x");
	create("a.");
	listed(0, 0, "INBOX ec\nINBOX.x e\na ec\na.b c\na.b.c e\na-b e\nb e\n");
	assert_true(exists(".a.b.c/cur") && exists(".a.b.c/new") && exists(".a.b.c/tmp"));
	assert_true(exists(".a.b.c/maildirfolder"));
	assert_false(exists("maildirfolder"));
}

static void test_foreign(void **state)
{
	int fd;

	(void)state;
	foreign(".mutt");
	foreign(".Entw\xc3\xbcrfe");
	foreign(".a&b.c");
	foreign(".\xff");
	foreign("..x");
	foreign(".inbox.y");
	foreign("plain");
	foreign(".\xc3\xa4");
	foreign(".&AOQ-"); /* the same name: the right form wins */
	foreign(".a\xcc\x88");
	assert_int_equal(symlinkat("/etc", s.root, ".link"), 0);
	assert_int_equal(mkfifoat(s.root, ".fifo", 0600), 0);
	fd = openat(s.root, ".file", O_CREAT | O_WRONLY, 0600);
	(void)close(fd);
	listed(
	    0, 0,
	    "INBOX e\nEntw\xc3\xbcrfe e\na&b c\na&b.c e\na\xcc\x88 e\nmutt e\n\xc3\xa4 "
	    "e\n");
	fd = folder_open(&s, "Entw\xc3\xbcrfe");
	assert_int_not_equal(fd, -1);
	(void)close(fd);
	fd = folder_open(&s, "a&b.c");
	assert_int_not_equal(fd, -1);
	(void)close(fd);
	foreign(".x&-y"); /* the right form of x&y, and no other name's */
	assert_int_equal(folder_open(&s, "x&-y"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(folder_open(&s, "link"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(folder_open(&s, "fifo"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(folder_open(&s, "file"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(folder_create(&s, "Entw\xc3\xbcrfe", 0), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(folder_rename(&s, "Entw\xc3\xbcrfe", "gut"), 0);
	assert_true(exists(".gut"));
	assert_int_equal(folder_delete(&s, "a&b.c"), 0);
	assert_false(exists(".a&b.c"));
}

static void touch(const char *path)
{
	int fd = openat(s.root, path, O_CREAT | O_WRONLY, 0600);

	assert_int_not_equal(fd, -1);
	(void)close(fd);
}

static void test_marked(void **state)
{
	(void)state;
	create("a");
	create("b");
	touch(".a/new/1.x");
	touch(".b/cur/2.x:2,S");
	touch(".b/new/.nfs1");
	listed(0, 1, "INBOX e\na em\nb e\n");
	touch("new/3.x");
	listed(0, 1, "INBOX em\na em\nb e\n");
}

static void test_many(void **state)
{
	struct folders f;
	char name[64];

	(void)state;
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof name, ".g%d.f%d", i % 10, i);
		foreign(name);
	}
	assert_int_equal(folders_read(&f, &s, 0, 0), 0);
	assert_int_equal(f.n, 1 + 10 + 3000);
	for (size_t i = 1; i < f.n; i++)
		assert_true(store_compare(f.folder[i - 1].name, f.folder[i].name) < 0);
	folders_free(&f);
}

/* ---- create and delete ---- */

/* Nothing of what is under way lies in the root. */
static void assert_clean(void)
{
	DIR *d = store_read_dir(s.root, ".");
	struct dirent *e;

	while ((e = readdir(d)) != NULL)
		if (strncmp(e->d_name, "quoin-gone", 10) == 0 ||
		    strncmp(e->d_name, "quoin-new", 9) == 0 ||
		    strcmp(e->d_name, STORE_RENAME) == 0)
			fail_msg("left: %s", e->d_name);
	(void)closedir(d);
}

static void test_create(void **state)
{
	(void)state;
	create("A");
	assert_int_equal(folder_create(&s, "A", 0), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(folder_create(&s, "A.", 0), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(folder_create(&s, "inbox", 0), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(folder_create(&s, "a/b", 0), -1);
	assert_int_equal(errno, EINVAL);
	touch(".F");
	assert_int_equal(folder_create(&s, "F", 0), -1);
	assert_int_equal(errno, EEXIST);
	listed(0, 0, "INBOX e\nA e\n");
	assert_clean();
}

static void test_delete(void **state)
{
	(void)state;
	create("A");
	create("A.B");
	touch(".A/cur/1.x:2,S");
	touch(".A/quoin-uids");
	foreign(".A/cur/deep");
	foreign(".A/cur/deep/deeper");
	touch(".A/cur/deep/deeper/file");
	assert_int_equal(symlinkat("/etc", s.root, ".A/new/link"), 0);
	assert_int_equal(folder_delete(&s, "A"), 0);
	listed(0, 0, "INBOX e\nA c\nA.B e\n");
	assert_clean();
	assert_int_equal(folder_delete(&s, "A"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(folder_delete(&s, "Inbox"), -1);
	assert_int_equal(errno, EPERM);
	create("A");
	assert_false(exists(".A/cur/1.x:2,S"));
	assert_false(exists(".A/quoin-uids"));
	assert_int_equal(folder_delete(&s, "A.B"), 0);
	assert_int_equal(folder_delete(&s, "A"), 0);
	listed(0, 0, "INBOX e\n");
}

/* What was deleted counts no more. */
static void test_delete_quota(void **state)
{
	struct quota q;

	(void)state;
	create("A");
	touch(".A/cur/1.x,S=100:2,S");
	touch(".A/new/2.x,S=20");
	touch("cur/3.x,S=7:2,");
	assert_int_equal(quota_set(s.root, 1000, 0), 0);
	assert_int_equal(folder_delete(&s, "A"), 0);
	assert_int_equal(quota_read(&q, s.root), 1);
	assert_int_equal(q.bytes, 7);
	assert_int_equal(q.count, 1);
}

/* ---- rename ---- */

static void put_file(const char *path, const char *text)
{
	int fd = openat(s.root, path, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static void test_rename(void **state)
{
	(void)state;
	create("A");
	create("A.B");
	create("A.B.C");
	create("AB");
	touch(".A.B/cur/1.x:2,S");
	assert_int_equal(folder_rename(&s, "A", "X.Y"), 0);
	listed(0, 0, "INBOX e\nAB e\nX c\nX.Y ec\nX.Y.B ec\nX.Y.B.C e\n");
	assert_true(exists(".X.Y.B/cur/1.x:2,S"));
	/* a parent that is no folder itself */
	assert_int_equal(folder_rename(&s, "X", "\xc3\xa4"), 0);
	assert_true(exists(".&AOQ-.Y.B/cur/1.x:2,S"));
	assert_clean();
}

static const struct {
	const char *from, *to;
	int error;
} renames[] = {
    {"none", "X", ENOENT},
    {"A", "AB", EEXIST},
    {"A", "A", EEXIST},
    {"A", "A.x", EINVAL},
    {"A.B", "A", EINVAL},
    {"A", "inbox", EEXIST},
    {"A", "../x", EINVAL},
    {"A", "", EINVAL},
    {"A", "D", EEXIST},
    {"INBOX", "A", EEXIST},
    {"A", "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16", EINVAL},
    {"A", long_200, 0},
};

static void test_rename_refused(void **state)
{
	char text[] = "INBOX e\nA ec\nA.B e\nAB e\nD c\nD.B e\n";

	(void)state;
	create("A");
	create("A.B");
	create("AB");
	create("D.B"); /* D is none, but below it is what A.B would become */
	for (size_t i = 0; i < COUNT(renames); i++) {
		int r = folder_rename(&s, renames[i].from, renames[i].to);

		if ((r == -1 ? errno : 0) != renames[i].error)
			fail_msg("%s to %s: %s", renames[i].from, renames[i].to,
				 strerror(errno));
		if (r == -1)
			listed(0, 0, text);
	}
	assert_clean();
}

static size_t messages(const char *name, char one[MSG_NAME + 1])
{
	int dir = folder_open(&s, name);
	struct box b;
	size_t n;

	assert_int_not_equal(dir, -1);
	assert_int_equal(box_open(&b, dir, BOX_CLAIM), 0);
	n = b.count;
	if (n > 0)
		(void)snprintf(one, MSG_NAME + 1, "%s", box_at(&b, 0)->name);
	box_close(&b);
	return n;
}

/* INBOX stays, its messages go. */
static void test_rename_inbox(void **state)
{
	char name[MSG_NAME + 1] = "";

	(void)state;
	box_boot();
	create("inbox.x");
	put_file("cur/1.x:2,FSa", "Subject: x\n\n");
	put_file("new/2.x", "Subject: x\n\n");
	assert_int_equal(folder_rename(&s, "inbox", "Old.2026"), 0);
	listed(0, 0, "INBOX ec\nINBOX.x e\nOld c\nOld.2026 e\n");
	assert_int_equal(messages("INBOX", name), 0);
	assert_int_equal(messages("Old.2026", name), 2);
	assert_non_null(strstr(name, ":2,FSa"));
	assert_int_equal(folder_rename(&s, "INBOX", "Empty"), 0);
	assert_int_equal(messages("Empty", name), 0);
}

static void change_at_random(unsigned seed)
{
	static const char *const names[] = {"A", "A.B", "A.B.C", "D", "D.B", "E.F"};
	struct folders f;

	for (int i = 0; i < 60; i++) {
		const char *a = names[rand_r(&seed) % COUNT(names)];
		const char *b = names[rand_r(&seed) % COUNT(names)];

		switch (rand_r(&seed) % 4) {
		case 0:
			(void)!folder_create(&s, a, 0);
			break;
		case 1:
			(void)!folder_delete(&s, a);
			break;
		case 2:
			(void)!folder_rename(&s, a, b);
			break;
		default:
			if (folders_read(&f, &s, 1, 0) == -1)
				_exit(1);
			folders_free(&f);
		}
	}
	_exit(0);
}

/* Several at once: every folder is whole, and nothing of what was under way stays. */
static void test_at_once(void **state)
{
	char path[STORE_NAME + 8];
	struct folders f;
	int status;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		if (fork() == 0)
			change_at_random(i);
	while (wait(&status) != -1)
		assert_int_equal(status, 0);
	assert_int_equal(folders_read(&f, &s, 0, 0), 0);
	for (size_t i = 1; i < f.n; i++)
		for (int k = 0; k < 3 && f.folder[i].bits & FOLDER_EXISTS; k++) {
			(void)snprintf(path, sizeof path, ".%.240s/%s", f.folder[i].name,
				       (const char *const[]){"new", "cur", "tmp"}[k]);
			assert_true(exists(path));
		}
	folders_free(&f);
	assert_clean();
}

/* A wish that nobody of ours wrote. */
static void test_rename_garbage(void **state)
{
	static const char *const wishes[] = {
	    "", "\n", "A\n", "A\n\n", "A\nB", "../x\ny\n", "A\nB\nC\n", "INBOX\nB\n"};

	(void)state;
	create("A");
	for (size_t i = 0; i < COUNT(wishes); i++) {
		int fd = openat(s.root, STORE_RENAME, O_CREAT | O_WRONLY | O_TRUNC, 0600);

		assert_int_equal(write(fd, wishes[i], strlen(wishes[i])),
				 (ssize_t)strlen(wishes[i]));
		(void)close(fd);
		listed(0, 0, "INBOX e\nA e\n");
		assert_clean();
	}
}

/* ---- subscriptions ---- */

static void assert_file(const char *path, const char *want)
{
	char text[512];
	int fd = openat(s.root, path, O_RDONLY);
	ssize_t n;

	assert_int_not_equal(fd, -1);
	n = read(fd, text, sizeof text - 1);
	(void)close(fd);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, want);
}

static void test_subscribe(void **state)
{
	(void)state;
	create("A");
	create("\xc3\xa4.b");
	put_file("subscriptions", "");
	assert_int_equal(folder_subscribe(&s, "A", 0), 0);
	assert_int_equal(folder_subscribe(&s, "A", 1), 0);
	assert_int_equal(folder_subscribe(&s, "A", 1), 0);
	assert_int_equal(folder_subscribe(&s, "\xc3\xa4.b", 1), 0);
	assert_int_equal(folder_subscribe(&s, "gone.x", 1), 0);
	assert_int_equal(folder_subscribe(&s, "inbox", 1), 0);
	assert_int_equal(folder_subscribe(&s, "a/b", 1), -1);
	assert_file("subscriptions", "A\n&AOQ-.b\ngone.x\nINBOX\n");
	listed(0, 0, "INBOX es\nA es\n\xc3\xa4 c\n\xc3\xa4.b es\n");
	listed(1, 0, "INBOX es\nA es\ngone \ngone.x s\n\xc3\xa4 c\n\xc3\xa4.b es\n");
	assert_int_equal(folder_delete(&s, "A"), 0);
	assert_int_equal(folder_subscribe(&s, "gone.x", 0), 0);
	assert_int_equal(folder_subscribe(&s, "never", 0), 0);
	listed(1, 0, "INBOX es\nA s\n\xc3\xa4 c\n\xc3\xa4.b es\n");
}

/* Dovecot's second form is kept; Courier's file is read, and left as it is. */
static void test_subscribed_foreign(void **state)
{
	(void)state;
	create("A");
	create("A.B");
	put_file("subscriptions", "V\t2\n\nA\tB\nINBOX\nA..B\nno\tend");
	listed(0, 0, "INBOX es\nA ec\nA.B es\n");
	assert_int_equal(folder_subscribe(&s, "A", 1), 0);
	assert_file("subscriptions", "V\t2\n\nA\tB\nINBOX\nno\tend\nA\n");
	assert_int_equal(unlinkat(s.root, "subscriptions", 0), 0);
	put_file("courierimapsubscribed", "INBOX\nINBOX.A.B\n");
	listed(0, 0, "INBOX es\nA ec\nA.B es\n");
	assert_int_equal(folder_subscribe(&s, "INBOX", 0), 0);
	listed(0, 0, "INBOX e\nA ec\nA.B es\n");
	assert_file("courierimapsubscribed", "INBOX\nINBOX.A.B\n");
}

/* ---- special uses ---- */

static void test_uses(void **state)
{
	(void)state;
	create("Sent");
	create("Spam");
	create("Deleted Items");
	create("Drafts");
	create("x.Archive");
	listed(0, 0,
	       "INBOX e\nDeleted Items eT\nDrafts eD\nSent eS\nSpam eJ\nx c\n"
	       "x.Archive e\n");
	assert_int_equal(folder_create(&s, "Gesendet", FOLDER_SENT), 0);
	assert_int_equal(folder_create(&s, "Sent2", FOLDER_SENT), -1);
	assert_int_equal(errno, ENOTUNIQ);
	assert_int_equal(folder_create(&s, "two", FOLDER_SENT | FOLDER_JUNK), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(folder_create(&s, "x.all", FOLDER_ALL), 0);
	listed(0, 0,
	       "INBOX e\nDeleted Items eT\nDrafts eD\nGesendet eS\nSent e\nSpam eJ\n"
	       "x c\nx.Archive e\nx.all ea\n");
	assert_int_equal(folder_rename(&s, "x", "y"), 0);
	assert_int_equal(folder_delete(&s, "Gesendet"), 0);
	listed(0, 0,
	       "INBOX e\nDeleted Items eT\nDrafts eD\nSent eS\nSpam eJ\n"
	       "y c\ny.Archive e\ny.all ea\n");
}

static void test_uses_garbage(void **state)
{
	(void)state;
	create("Sent");
	create("Junk");
	put_file("quoin-special", "Sent\nSent \nJunk ../x\n\nJunk none\nAll INBOX\nSen");
	listed(0, 0, "INBOX ea\nJunk eJ\nSent eS\n");
}

/* ---- UIDVALIDITY ---- */

static void test_validity(void **state)
{
	uint32_t a;
	uint32_t b;
	int dir;

	(void)state;
	create("A");
	dir = folder_open(&s, "A");
	a = store_validity(s.root);
	b = store_validity(dir);
	assert_true(a > 0 && b > a);
	assert_false(exists(".A/quoin-validity"));
	store_validity_seen(dir, b + 1000000);
	assert_true(store_validity(s.root) > b + 1000000);
	store_validity_seen(dir, 5);
	assert_true(store_validity(dir) > b + 1000001);
	put_file("quoin-validity", "garbage");
	assert_true(store_validity(dir) >= a);
	(void)close(dir);
}

/* quoin-validity need not have reached the disk when INBOX's first is told: INBOX says it. */
static void test_validity_of_inbox(void **state)
{
	struct box b;
	uint32_t high;
	int dir;

	(void)state;
	create("A");
	dir = folder_open(&s, "A");
	store_validity_seen(dir, store_validity(dir) + 1000000);
	assert_int_equal(box_open(&b, folder_open(&s, "INBOX"), 0), 0);
	high = b.uidvalidity;
	box_close(&b);
	put_file("quoin-validity", "");
	assert_true(store_validity(dir) > high);
	assert_int_equal(unlinkat(s.root, "quoin-validity", 0), 0);
	assert_true(store_validity(dir) > high);
	(void)close(dir);
}

static void give_many(const char *path)
{
	char line[16];
	int out = openat(s.root, path, O_CREAT | O_WRONLY | O_APPEND, 0600);

	for (int i = 0; i < 50; i++) {
		int n = snprintf(line, sizeof line, "%u\n", store_validity(s.root));

		if (write(out, line, (size_t)n) != n)
			_exit(1);
	}
	_exit(0);
}

/* Two that ask at once never get the same. */
static void test_validity_race(void **state)
{
	char command[128];

	(void)state;
	for (int i = 0; i < 2; i++)
		if (fork() == 0)
			give_many("given");
	while (wait(NULL) != -1)
		;
	(void)snprintf(command, sizeof command,
		       "test $(sort -u %s/Maildir/given | wc -l) = 100", top);
	assert_int_equal(system(command), 0);
}

/* Nothing can be written: then there is no folder without the use that it was made for. */
static void test_use_unwritten(void **state)
{
	struct rlimit was;
	struct rlimit none;
	int r;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	none = was;
	none.rlim_cur = 0;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	r = folder_create(&s, "Gesendet", FOLDER_SENT);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	(void)signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(r, -1);
	assert_int_equal(folder_open(&s, "Gesendet"), -1);
	assert_int_equal(folder_create(&s, "Gesendet", FOLDER_SENT), 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_canon),
	    cmocka_unit_test(test_disk),
	    cmocka_unit_test(test_order),
	    TEST(test_list),
	    TEST(test_foreign),
	    TEST(test_marked),
	    TEST(test_many),
	    TEST(test_create),
	    TEST(test_delete),
	    TEST(test_delete_quota),
	    TEST(test_rename),
	    TEST(test_rename_refused),
	    TEST(test_rename_inbox),
	    TEST(test_at_once),
	    TEST(test_rename_garbage),
	    TEST(test_subscribe),
	    TEST(test_subscribed_foreign),
	    TEST(test_uses),
	    TEST(test_uses_garbage),
	    TEST(test_use_unwritten),
	    TEST(test_validity),
	    TEST(test_validity_of_inbox),
	    TEST(test_validity_race),
	};

	memset(long_200, 'x', 200);
	memset(long_201, 'x', 201);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
