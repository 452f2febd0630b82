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

#include "../../qlocal/dotfile.h"
#include "scratch.h"

/* Each case has a home of its own with these files, each holding its own name. */
struct search_case {
	const char *name;
	const char
	    *files; /* names with blanks between; FIFO: LINK: DIR: ALL: as a prefix */
	const char *dash;
	const char *ext;
	int want;
	const char *found;
	const char *matched;
};

static const struct search_case cases[] = {
    {"bare, none", "", "", "", 0, NULL, NULL},
    {"bare", ".qmail", "", "", 1, ".qmail", NULL},
    {"bare has no default", ".qmail-default", "", "", 0, NULL, NULL},
    {"exact", ".qmail-foo .qmail-default", "-", "foo", 1, ".qmail-foo", NULL},
    {"default", ".qmail-default", "-", "foo", 1, ".qmail-default", "foo"},
    {"other only", ".qmail .qmail-bar", "-", "foo", 0, NULL, NULL},
    {"two parts, exact", ".qmail-a-b .qmail-a-default", "-", "a-b", 1, ".qmail-a-b",
     NULL},
    {"two parts, part", ".qmail-a-default .qmail-default", "-", "a-b", 1,
     ".qmail-a-default", "b"},
    {"two parts, rest", ".qmail-default", "-", "a-b", 1, ".qmail-default", "a-b"},
    {"longest first", ".qmail-a-default .qmail-a-b-default", "-", "a-b-c", 1,
     ".qmail-a-b-default", "c"},
    {"part is no prefix of a word", ".qmail-a-default", "-", "ab", 0, NULL, NULL},
    {"part itself", ".qmail-a-default", "-", "a", 0, NULL, NULL},
    {"part and dash", ".qmail-a-default", "-", "a-", 1, ".qmail-a-default", ""},
    {"empty ext", ".qmail-", "-", "", 1, ".qmail-", NULL},
    {"empty ext, default", ".qmail-default", "-", "", 1, ".qmail-default", ""},
    {"capitals", ".qmail-foo", "-", "FoO", 1, ".qmail-foo", NULL},
    {"capitals in a name", ".qmail-FoO", "-", "FoO", 0, NULL, NULL},
    {"capitals kept for DEFAULT", ".qmail-default", "-", "FoO", 1, ".qmail-default",
     "FoO"},
    {"dots", ".qmail-a:b", "-", "a.b", 1, ".qmail-a:b", NULL},
    {"dots in a name", ".qmail-a.b", "-", "a.b", 0, NULL, NULL},
    {"climbing", ".qmail-x .qmail-default", "-", "../x", 0, NULL, NULL},
    {"slash", ".qmail-default", "-", "a/b", 0, NULL, NULL},
    {"default by name", ".qmail-list-default", "-", "list-default", 1,
     ".qmail-list-default", "default"},
    {"assigned dot-file", ".qmail-pre-x", "-", "pre-x", 1, ".qmail-pre-x", NULL},
    {"link", "LINK:.qmail-foo .qmail-default", "-", "foo", -1, NULL, NULL},
    {"fifo", "FIFO:.qmail-foo .qmail-default", "-", "foo", -1, NULL, NULL},
    {"directory", "DIR:.qmail", "", "", -1, NULL, NULL},
    {"world-writable", "ALL:.qmail-foo .qmail-default", "-", "foo", -1, NULL, NULL},
    {"world-writable default", "ALL:.qmail-default", "-", "foo", -1, NULL, NULL},
    {"world-writable, not used", ".qmail-foo ALL:.qmail-default", "-", "foo", 1,
     ".qmail-foo", NULL},
};

static void make_file(int home, const char *word)
{
	const char *colon = strchr(word, ':');
	const char *name = strncmp(word, ".", 1) == 0 ? word : colon + 1;
	int fd;

	if (strncmp(word, "LINK:", 5) == 0)
		assert_int_equal(symlinkat("/etc/passwd", home, name), 0);
	else if (strncmp(word, "FIFO:", 5) == 0)
		assert_int_equal(mkfifoat(home, name, 0600), 0);
	else if (strncmp(word, "DIR:", 4) == 0)
		assert_int_equal(mkdirat(home, name, 0700), 0);
	else {
		fd = openat(home, name, O_WRONLY | O_CREAT, 0600);
		assert_true(fd != -1);
		assert_int_equal(write(fd, name, strlen(name)), (int)strlen(name));
		assert_int_equal(fchmod(fd, word[0] == 'A' ? 0666 : 0644), 0);
		(void)close(fd);
	}
}

static int make_home(char path[32], const char *files)
{
	char words[256];
	int home;

	(void)snprintf(path, 32, "/tmp/test-dotfile-XXXXXX");
	assert_non_null(mkdtemp(path));
	home = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(home != -1);
	(void)snprintf(words, sizeof words, "%s", files);
	for (char *w = strtok(words, " "); w != NULL; w = strtok(NULL, " "))
		make_file(home, w);
	return home;
}

static void remove_home(const char *path)
{
	assert_int_equal(scratch_remove(path), 0);
}

static void check(const struct search_case *c)
{
	struct sbuf text = SBUF_INIT(4096 * 2);
	struct dotfile f;
	char path[32];
	int home = make_home(path, c->files);
	int r = dotfile_read(&f, home, c->dash, c->ext, &text);

	if (r != c->want || (r == 1 && strcmp(sbuf_str(&text), c->found) != 0))
		fail_msg("%s: %d %s", c->name, r, sbuf_str(&text));
	if (c->matched == NULL ? f.matched != NULL && r == 1
			       : strcmp(f.matched, c->matched) != 0)
		fail_msg("%s: matched %s", c->name, f.matched);
	if (r == -1)
		assert_true(f.error[0] != '\0');
	sbuf_free(&text);
	(void)close(home);
	remove_home(path);
}

static void test_search(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check(&cases[i]);
}

static void test_xbit(void **state)
{
	struct sbuf text = SBUF_INIT(4096 * 2);
	struct dotfile f;
	char path[32];
	int home = make_home(path, ".qmail");

	(void)state;
	assert_int_equal(dotfile_read(&f, home, "", "", &text), 1);
	assert_false(f.forward_only);
	assert_int_equal(fchmodat(home, ".qmail", 0700, 0), 0);
	assert_int_equal(dotfile_read(&f, home, "", "", &text), 1);
	assert_true(f.forward_only);
	sbuf_free(&text);
	(void)close(home);
	remove_home(path);
}

static void test_foreign_owner(void **state)
{
	struct sbuf text = SBUF_INIT(4096 * 2);
	struct dotfile f;
	char path[32];
	int home;

	(void)state;
	if (geteuid() != 0)
		skip(); /* only root can give a file away */
	home = make_home(path, ".qmail");
	assert_int_equal(fchownat(home, ".qmail", 12345, 12345, 0), 0);
	assert_int_equal(dotfile_read(&f, home, "", "", &text), -1);
	sbuf_free(&text);
	(void)close(home);
	remove_home(path);
}

static void test_owner(void **state)
{
	static const struct {
		const char *files;
		const char *dash;
		const char *ext;
		int want;
	} rows[] = {
	    {"", "-", "list", 0},
	    {".qmail-list", "-", "list", 0},
	    {".qmail-list-owner", "-", "list", 1},
	    {".qmail-list-owner", "-", "LIST", 1},
	    {".qmail-list-owner-default", "-", "list", 0},
	    {".qmail-list-owner .qmail-list-owner-default", "-", "list", 2},
	    {".qmail-owner", "", "", 1},
	    {".qmail-owner", "-", "list", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct dotfile f;
		char path[32];
		int home = make_home(path, rows[i].files);

		assert_int_equal(dotfile_owner(&f, home, rows[i].dash, rows[i].ext),
				 rows[i].want);
		(void)close(home);
		remove_home(path);
	}
}

static void test_home(void **state)
{
	static const struct {
		mode_t mode;
		int want;
	} rows[] = {
	    {S_IFDIR | 0700, 0},   {S_IFDIR | 0755, 0},  {S_IFDIR | 02755, 0},
	    {S_IFDIR | 0775, -1},  {S_IFDIR | 0757, -1}, {S_IFDIR | 01700, -1},
	    {S_IFDIR | 01777, -1}, {S_IFREG | 0600, -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct stat st = {.st_mode = rows[i].mode};
		struct dotfile f = {.error = ""};

		assert_int_equal(dotfile_home(&f, &st), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_search),        cmocka_unit_test(test_xbit),
	    cmocka_unit_test(test_foreign_owner), cmocka_unit_test(test_owner),
	    cmocka_unit_test(test_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
