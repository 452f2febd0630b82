/* put: new messages, byte by byte and in pieces. */
#include "exact.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/put.h"
#include "qlimits.h"
#include "scratch.h"

static char top[40];
static int dir;

static int setup(void **state)
{
	static const char *const parts[] = {"new", "cur", "tmp"};

	(void)state;
	box_boot();
	(void)snprintf(top, sizeof top, "/tmp/test-put-XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	dir = open(top, O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < COUNT(parts); i++)
		if (mkdirat(dir, parts[i], 0700) == -1)
			return -1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)close(dir);
	return scratch_remove(top);
}

/* Names in a directory, and one of them. */
static int count(const char *part, char name[MSG_NAME + 1])
{
	char path[64];
	struct dirent *e;
	int n = 0;
	DIR *d;

	(void)snprintf(path, sizeof path, "%s/%s", top, part);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.') {
			n++;
			if (name != NULL)
				(void)snprintf(name, MSG_NAME + 1, "%s", e->d_name);
		}
	(void)closedir(d);
	return n;
}

static const struct {
	const char *what, *in;
	size_t n;
	const char *stored;
	size_t stored_n, wire;
} texts[] = {
    {"nothing", "", 0, "", 0, 0},
    {"a line", "a\r\n", 3, "a\n", 2, 3},
    {"two", "a\r\nb\r\n", 6, "a\nb\n", 4, 6},
    {"empty lines", "\r\n\r\n", 4, "\n\n", 2, 4},
    {"no end", "a\r\nb", 4, "a\nb", 3, 4},
    {"LF alone", "a\nb\n", 4, "a\nb\n", 4, 6},
    {"CR alone", "a\rb", 3, "a\rb", 3, 3},
    {"CR at the end", "a\r", 2, "a\r", 2, 2},
    {"CR CR LF", "a\r\r\nb", 5, "a\r\nb", 4, 4},
    {"CR CR CR LF", "\r\r\r\n", 4, "\r\r\n", 3, 3},
    {"CR CR", "\r\r", 2, "\r\r", 2, 2},
    {"LF CR", "\n\r", 2, "\n\r", 2, 3},
    {"NUL and 8 bit", "a\0\xff\r\n", 5, "a\0\xff\n", 4, 5},
    {"CR, then text and LF", "\ra\nb", 4, "\ra\nb", 4, 5},
    {"LF LF", "\n\n", 2, "\n\n", 2, 4},
};

static void arrive(struct put *p, struct box_copied *out)
{
	struct put *all[] = {p};

	assert_int_equal(put_sync(p), 0);
	assert_int_equal(put_arrive(dir, all, 1, out, NULL), 0);
	put_end(p);
}

static void assert_stored(const char *name, size_t i)
{
	char path[MSG_NAME + 8];
	char text[64];
	char tail[64];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof path, "cur/%s", name);
	fd = openat(dir, path, O_RDONLY);
	n = read(fd, text, sizeof text);
	(void)close(fd);
	if (n != (ssize_t)texts[i].stored_n ||
	    memcmp(text, texts[i].stored, (size_t)n) != 0)
		fail_msg("%s: %zd bytes", texts[i].what, n);
	(void)snprintf(tail, sizeof tail, ",S=%zu,W=%zu:2,", texts[i].stored_n,
		       texts[i].wire);
	if (strstr(name, tail) == NULL)
		fail_msg("%s: %s, not %s", texts[i].what, name, tail);
	assert_int_equal(unlinkat(dir, path, 0), 0);
}

/* In pieces of every size: a CR and its LF may come apart. */
static void test_texts(void **state)
{
	static struct put p;
	struct box_copied out;
	char name[MSG_NAME + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		for (size_t step = 1; step <= 6; step++) {
			assert_int_equal(put_begin(&p, dir, 1000), 0);
			for (size_t at = 0; at < texts[i].n; at += step) {
				size_t n = texts[i].n - at;
				char *in;

				if (n > step)
					n = step;
				in = exact(texts[i].in + at, n);
				assert_int_equal(put_write(&p, in, n), 0);
				free(in);
			}
			arrive(&p, &out);
			assert_int_equal(count("cur", name), 1);
			assert_int_equal(count("tmp", NULL), 0);
			assert_stored(name, i);
		}
}

static void test_date_flags_keywords(void **state)
{
	static const char *const words[] = {"$Junk", "later", NULL};
	static struct put p;
	struct box_copied out;
	struct msg *m;
	struct box b;

	(void)state;
	assert_int_equal(put_begin(&p, dir, 946684800), 0);
	p.flags = MSG_SEEN | MSG_FLAGGED;
	p.keywords = words;
	assert_int_equal(put_write(&p, "Subject: x\r\n\r\nbody\r\n", 20), 0);
	arrive(&p, &out);
	assert_int_equal(out.done, 1);
	assert_int_equal(box_open(&b, dup(dir), 0), 0);
	assert_int_equal(b.count, 1);
	assert_int_equal(b.uidvalidity, out.uidvalidity);
	assert_int_equal(box_date(&b, 0), 0);
	assert_int_equal(box_size(&b, 0), 0);
	m = box_at(&b, 0);
	assert_int_equal(m->uid, out.first);
	assert_int_equal(m->flags, MSG_SEEN | MSG_FLAGGED);
	assert_int_equal(m->date, 946684800);
	assert_int_equal(m->size, 20);
	for (unsigned i = 0; i < 2; i++)
		assert_true(m->keywords & UINT64_C(1)
					      << box_keyword_bit(&b, words[i], 0));
	box_close(&b);
}

/* All at once, in their order; MULTIAPPEND. */
static void test_many(void **state)
{
	enum { N = 20 };
	struct put *p[N];
	struct box_copied out;
	struct box b;

	(void)state;
	for (int i = 0; i < N; i++) {
		char text[16];
		int n = snprintf(text, sizeof text, "%0*d\r\n", i + 1, 0);

		p[i] = malloc(sizeof *p[i]);
		assert_non_null(p[i]);
		assert_int_equal(put_begin(p[i], dir, 5), 0);
		assert_int_equal(put_write(p[i], text, (size_t)n < 15 ? (size_t)n : 15),
				 0);
		assert_int_equal(put_sync(p[i]), 0);
	}
	assert_int_equal(count("cur", NULL), 0);
	assert_int_equal(put_arrive(dir, p, N, &out, NULL), 0);
	assert_int_equal(out.done, N);
	assert_int_equal(box_open(&b, dup(dir), 0), 0);
	assert_int_equal(b.count, N);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(box_at(&b, i)->uid, out.first + i);
		assert_non_null(strstr(box_at(&b, i)->name, p[i]->base));
	}
	box_close(&b);
	for (int i = 0; i < N; i++) {
		put_end(p[i]);
		free(p[i]);
	}
	assert_int_equal(count("tmp", NULL), 0);
	assert_int_equal(count("cur", NULL), N);
}

/* What does not arrive leaves nothing. */
static void test_given_up(void **state)
{
	static struct put p;
	struct put *all[] = {&p};
	struct box_copied out;

	(void)state;
	assert_int_equal(put_begin(&p, dir, 5), 0);
	assert_int_equal(put_write(&p, "x", 1), 0);
	assert_int_equal(count("tmp", NULL), 1);
	put_end(&p);
	assert_int_equal(count("tmp", NULL), 0);
	put_end(&p);
	assert_int_equal(put_arrive(dir, all, 0, &out, NULL), -1);
	assert_int_equal(put_arrive(dir, all, PUT_MAX + 1, &out, NULL), -1);
	assert_int_equal(errno, E2BIG);
}

static void test_too_large(void **state)
{
	static struct put p;
	static char block[1 << 20];

	(void)state;
	assert_int_equal(put_begin(&p, dir, 5), 0);
	p.wire = LIMIT_MESSAGE - 10;
	assert_int_equal(put_write(&p, block, 10), 0);
	assert_int_equal(put_write(&p, block, 1), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(put_sync(&p), -1);
	put_end(&p);
	assert_int_equal(count("tmp", NULL), 0);
}

/* A disk that takes no more: said at the latest by put_sync(), and nothing is there. */
static void test_full_disk(void **state)
{
	const struct rlimit small = {100000, RLIM_INFINITY};
	const struct rlimit any = {RLIM_INFINITY, RLIM_INFINITY};
	static struct put p;
	static char block[200000];
	int r;

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(put_begin(&p, dir, 5), 0);
	r = put_write(&p, block, sizeof block);
	assert_int_equal(r == -1 ? -1 : put_sync(&p), -1);
	put_end(&p);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &any), 0);
	assert_int_equal(count("tmp", NULL), 0);
	assert_int_equal(count("cur", NULL), 0);
}

static void test_no_tmp(void **state)
{
	static struct put p;

	(void)state;
	assert_int_equal(unlinkat(dir, "tmp", AT_REMOVEDIR), 0);
	assert_int_equal(put_begin(&p, dir, 5), -1);
	assert_int_equal(errno, ENOENT);
	put_end(&p);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_texts),    TEST(test_date_flags_keywords), TEST(test_many),
	    TEST(test_given_up), TEST(test_too_large),           TEST(test_full_disk),
	    TEST(test_no_tmp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
