/* Which messages search keys fit (qimapd/search.h), over a small mailbox on the disk. */
#include "../../qimapd/search.h"

#include "exact.h"
#include "scratch.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/test-search.XXXXXX";

static const struct {
	const char *name, *text;
	time_t date;
} messages[] = {
    {"cur/1.a:2,S", "From: Ann <a@x.example>\nSubject: one\n\nhello\n", 1000000000},
    {"cur/2.b:2,FS",
     "Subject: =?utf-8?q?zw=C3=B6lf?=\nDate: 1 Feb 2020 00:30 +0100\n\n"
     "Hello again\n",
     1000086400},
    {"cur/3.c:2,",
     "X-Mark: m\nTo: b@y.example\nDate: 31 Jan 2020 23:30 -0800\n\nzw\xc3\xb6lf\n",
     1000172800},
    {"cur/4.d:2,RT", "\nno header, but hello\n", 1000259200},
};

/* Messages as bits: the first is 1. */
static const struct {
	const char *keys;
	unsigned fits;
} searches[] = {
    {"ALL", 15},
    {"NOT ALL", 0},
    {"SEEN", 3},
    {"UNSEEN", 12},
    {"SEEN FLAGGED", 2},
    {"OR SEEN ANSWERED", 11},
    {"NOT (SEEN FLAGGED)", 13},
    {"NOT NOT SEEN", 3},
    {"DELETED UNFLAGGED", 8},
    {"KEYWORD Unheard", 0},
    {"UNKEYWORD Unheard", 15},
    {"2:3", 6},
    {"*", 8},
    {"7:*", 8},
    {"UID 2:3", 6},
    {"OR 1 UID 4", 9},
    {"LARGER 47", 7},
    {"LARGER 48", 6},
    {"SMALLER 48", 8},
    {"SMALLER 49", 9},
    {"BEFORE 10-Sep-2001", 1},
    {"ON 10-Sep-2001", 2},
    {"SINCE 11-Sep-2001", 12},
    {"SENTON 1-Feb-2020", 2},
    {"SENTON 31-Jan-2020", 4},
    {"SENTBEFORE 1-Jan-2030", 6},
    {"SENTSINCE 1-Feb-2020", 2},
    {"YOUNGER 1000", 0},
    {"OLDER 1000", 15},
    {"SUBJECT ONE", 1},
    {"SUBJECT \"zw\xc3\x96LF\"", 2},
    {"SUBJECT \"\"", 3},
    {"FROM ann", 1},
    {"TO y.example", 4},
    {"CC x", 0},
    {"HEADER X-Mark M", 4},
    {"HEADER X-Mark \"\"", 4},
    {"HEADER Subject one", 1},
    {"BODY hello", 11},
    {"BODY \"ZW\xc3\x96LF\"", 4},
    {"TEXT \"zw\xc3\xb6lf\"", 6},
    {"TEXT X-Mark", 4},
    {"BODY \"\"", 15},
    {"OR BODY again SUBJECT one", 3},
    {"BODY hello NOT TEXT again", 9},
    {"SEEN OR TEXT again OR BODY nothing FROM ann", 3},
    {"SAVEDSINCE 1-Jan-2001", 15},
    {"SAVEDBEFORE 1-Jan-2001", 0},
    {"MODSEQ 0", 15},
};

static int set_up(void **state)
{
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(mkdir("new", 0700) | mkdir("cur", 0700) | mkdir("tmp", 0700), 0);
	for (size_t i = 0; i < COUNT(messages); i++) {
		struct timespec times[2] = {{messages[i].date, 0}, {messages[i].date, 0}};
		FILE *f = fopen(messages[i].name, "w");

		assert_non_null(f);
		assert_true(fputs(messages[i].text, f) >= 0 && fclose(f) == 0);
		assert_int_equal(utimensat(AT_FDCWD, messages[i].name, times, 0), 0);
	}
	fd = open(".", O_RDONLY | O_DIRECTORY);
	assert_int_equal(box_open(&session.box, fd, 0), 0);
	session.cache = cache_open(&session.box);
	session.state = ST_SELECTED;
	return 0;
}

static int take_down(void **state)
{
	(void)state;
	cache_close(session.cache);
	box_close(&session.box);
	return scratch_remove(dir);
}

static int note(void *arg, size_t i)
{
	*(unsigned *)arg |= 1U << i;
	return 0;
}

static unsigned run(const char *keys, int backwards)
{
	size_t n = strlen(keys);
	char *p = exact(keys, n);
	struct words w = {p, n, 0, 0};
	unsigned fits = 0;
	struct search s;

	if (search_read(&s, &w, NULL) == -1)
		fail_msg("%s: refused", keys);
	assert_int_equal(search_run(&s, backwards, note, &fits), 0);
	search_free(&s);
	take_forget();
	free(p);
	return fits;
}

static void fits(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(searches); i++)
		for (int backwards = 0; backwards < 2; backwards++) {
			unsigned got = run(searches[i].keys, backwards);

			if (got != searches[i].fits)
				fail_msg("%s: %u", searches[i].keys, got);
		}
}

static int stop(void *arg, size_t i)
{
	*(size_t *)arg = i;
	return 1;
}

static void ends_at_the_first(void **state)
{
	struct words w = {"BODY hello", 10, 0, 0};
	struct search s;
	size_t at = 99;

	(void)state;
	assert_int_equal(search_read(&s, &w, NULL), 0);
	assert_int_equal(search_run(&s, 0, stop, &at), 0);
	assert_int_equal(at, 0);
	assert_int_equal(search_run(&s, 1, stop, &at), 0);
	assert_int_equal(at, 3);
	search_free(&s);
	take_forget();
}

/* A message whose file is gone fits nothing; the others are found. */
static void gone(void **state)
{
	(void)state;
	assert_int_equal(unlink(messages[1].name), 0);
	assert_int_equal(run("TEXT hello", 0), 9);
	assert_int_equal(run("NOT TEXT hello", 0), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fits),
	    cmocka_unit_test(ends_at_the_first),
	    cmocka_unit_test(gone),
	};

	return cmocka_run_group_tests(tests, set_up, take_down);
}
