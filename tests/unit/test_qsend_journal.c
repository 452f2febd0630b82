#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "journal.h"
#include "qid.h"
#include "qlimits.h"

static char id[QID_LEN + 1];

static const struct journal_record written[] = {
    {.what = 'Z', .index = 0, .text = "4.4.1 no answer"},
    {.what = 'Z', .index = 1, .text = ""},
    {.what = 'A', .channel = 1, .time = 1795262649},
    {.what = 'K', .index = 70000},
    {.what = 'D', .index = 9999, .text = "550 5.1.1 nobody"},
    {.what = 'S', .index = 3, .text = "did 1+0+0"},
    {.what = 'R', .index = 4, .text = ""},
    {.what = 'X', .index = 5, .text = "qp 28cKYN4HbYa34kIZl did 0+2+0"},
    {.what = 'W', .time = 1795277049},
    {.what = 'H', .held = 1},
    {.what = 'H', .held = 0},
};
enum { WRITTEN = sizeof written / sizeof *written };

struct seen {
	size_t n;
	struct journal_record r[WRITTEN];
	char text[WRITTEN][LIMIT_TEXT + 1];
};

static void take(void *arg, const struct journal_record *r)
{
	struct seen *s = arg;

	assert_true(s->n < WRITTEN);
	s->r[s->n] = *r;
	memcpy(s->text[s->n], r->text, strlen(r->text) + 1);
	s->n++;
}

static void ignore(void *arg, const struct journal_record *r)
{
	(void)arg;
	(void)r;
}

/* The journal of all records; ends[i]: its length with i of them. */
static void make(struct sbuf *b, size_t ends[WRITTEN + 1])
{
	sbuf_init(b, 65536);
	for (size_t i = 0; i < WRITTEN; i++) {
		assert_int_equal(journal_put(b, id, 0, &written[i]), 0);
		ends[i + 1] = b->len;
	}
	ends[0] = 8;
}

static int setup(void **state)
{
	(void)state;
	qid_make(id, 1795262649123456789, 0xdeadbeef);
	return 0;
}

static void check_seen(const struct seen *s, size_t n)
{
	assert_int_equal(s->n, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(s->r[i].what, written[i].what);
		assert_int_equal(s->r[i].index, written[i].index);
		assert_int_equal(s->r[i].channel, written[i].channel);
		assert_int_equal(s->r[i].time, written[i].time);
		assert_int_equal(s->r[i].held, written[i].held);
		if (written[i].text != NULL)
			assert_string_equal(s->text[i], written[i].text);
	}
}

static char *exact(const char *p, size_t n)
{
	char *b = malloc(n > 0 ? n : 1);

	assert_non_null(b);
	memcpy(b, p, n);
	return b;
}

/* Cut anywhere: the records that are whole are read, and no other. */
static void torn_at_every_byte(void **state)
{
	struct sbuf b;
	size_t ends[WRITTEN + 1];

	(void)state;
	make(&b, ends);
	for (size_t n = 0; n <= b.len; n++) {
		char *p = exact(b.p, n);
		struct seen s = {0};
		size_t whole = 0;
		size_t len = journal_parse(p, n, id, take, &s);

		while (whole < WRITTEN && ends[whole + 1] <= n)
			whole++;
		assert_int_equal(len, n < 8 ? 0 : ends[whole]);
		check_seen(&s, n < 8 ? 0 : whole);
		free(p);
	}
	sbuf_free(&b);
}

/* One wrong bit anywhere: nothing behind it is believed, all before it is. */
static void garbled_at_every_bit(void **state)
{
	struct sbuf b;
	size_t ends[WRITTEN + 1];

	(void)state;
	make(&b, ends);
	for (size_t bit = 0; bit < 8 * b.len; bit++) {
		char *p = exact(b.p, b.len);
		struct seen s = {0};
		size_t whole = 0;

		p[bit / 8] = (char)(p[bit / 8] ^ 1 << bit % 8);
		(void)journal_parse(p, b.len, id, take, &s);
		while (whole < WRITTEN && ends[whole + 1] <= bit / 8)
			whole++;
		check_seen(&s, bit / 8 < 8 ? 0 : whole);
		free(p);
	}
	sbuf_free(&b);
}

static void belongs_to_one_message_and_place(void **state)
{
	struct sbuf b;
	size_t ends[WRITTEN + 1];
	char other[QID_LEN + 1];
	struct seen s = {0};

	(void)state;
	make(&b, ends);
	qid_make(other, 1795262649123456789, 0xdeadbeee);
	assert_int_equal(journal_parse(b.p, b.len, other, take, &s), 8);
	/* the second record in place of the first */
	memmove(b.p + ends[0], b.p + ends[1], b.len - ends[1]);
	assert_int_equal(journal_parse(b.p, b.len - (ends[1] - ends[0]), id, take, &s),
			 8);
	assert_int_equal(s.n, 0);
	sbuf_free(&b);
}

/* A journal of before is read, and what is appended to it as well. */
static void reads_the_version_before(void **state)
{
	struct sbuf b;
	size_t ends[WRITTEN + 1];
	struct seen s = {0};

	(void)state;
	make(&b, ends);
	assert_memory_equal(b.p, "quoin-s2", 8);
	b.p[7] = '1';
	assert_int_equal(journal_parse(b.p, b.len, id, take, &s), b.len);
	check_seen(&s, WRITTEN);
	b.p[7] = '3';
	assert_int_equal(journal_parse(b.p, b.len, id, take, &s), 0);
	sbuf_free(&b);
}

static void refuses_long_text(void **state)
{
	struct sbuf b = SBUF_INIT(65536);
	char text[LIMIT_TEXT + 2];

	(void)state;
	memset(text, 'x', sizeof text);
	text[LIMIT_TEXT + 1] = '\0';
	assert_int_equal(
	    journal_put(&b, id, 100,
			&(struct journal_record){.what = 'D', .index = 1, .text = text}),
	    -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(b.len, 0);
	text[LIMIT_TEXT] = '\0';
	assert_int_equal(
	    journal_put(&b, id, 100,
			&(struct journal_record){.what = 'D', .index = 1, .text = text}),
	    0);
	sbuf_free(&b);
}

/* On disk: a torn tail is cut at every length, and what is then appended is read. */
static void appends_after_a_torn_tail(void **state)
{
	char dir[] = "/tmp/test-journal-XXXXXX";
	struct sbuf b;
	size_t ends[WRITTEN + 1];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	assert_true(fd != -1);
	make(&b, ends);
	for (size_t n = 0; n <= b.len; n++) {
		struct journal j;
		struct seen s = {0};
		struct sbuf more = SBUF_INIT(1000);
		size_t whole = 0;
		int f = openat(fd, id, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		assert_int_equal(write(f, b.p, n), (ssize_t)n);
		close(f);
		while (whole < WRITTEN && ends[whole + 1] <= n)
			whole++;
		if (n < 8)
			whole = 0;
		assert_int_equal(journal_open(&j, fd, id, ignore, NULL), 1);
		assert_int_equal(j.cut, n - (n < 8 ? 0 : ends[whole]));
		if (whole < WRITTEN) {
			assert_int_equal(journal_put(&more, id, j.len, &written[whole]),
					 0);
			assert_int_equal(journal_append(&j, fd, id, &more), 0);
			whole++;
		}
		journal_close(&j);
		assert_int_equal(journal_open(&j, fd, id, take, &s), 1);
		assert_int_equal(j.cut, 0);
		check_seen(&s, whole);
		journal_close(&j);
		sbuf_free(&more);
	}
	assert_int_equal(unlinkat(fd, id, 0), 0);
	sbuf_free(&b);
	close(fd);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(torn_at_every_byte),
	    cmocka_unit_test(garbled_at_every_bit),
	    cmocka_unit_test(belongs_to_one_message_and_place),
	    cmocka_unit_test(reads_the_version_before),
	    cmocka_unit_test(refuses_long_text),
	    cmocka_unit_test(appends_after_a_torn_tail),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
