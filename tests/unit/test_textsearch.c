#include "exact.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mime/textsearch.h"

static const char plain[] = "Subject: Hello\n World =?utf-8?q?caf=C3=A9?=\n"
			    "From: me@example.com\n\n"
			    "A Body of text,\nwith lines.\n";

static const char coded[] = "Subject: x\nContent-Type: text/plain; charset=iso-8859-1\n"
			    "Content-Transfer-Encoding: quoted-printable\n\n"
			    "caf=E9 au la=\nit\n";

static const char latin[] = "Content-Type: text/plain; charset=iso-8859-1\n\ncaf\xe9 \xfc"
			    "ber\n";

static const char unknown[] = "Content-Type: text/plain; charset=nobody\n\ncaf\xc3\xa9\n";

static const char parts[] =
    "Subject: outer\nContent-Type: multipart/mixed; boundary=b\n\npreamble\n"
    "--b\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
    "PGI+Y2Fmw6kga\nGVsbG93b3JsZDwvYj4=\n" /* <b>café helloworld</b> */
    "--b\nContent-Type: image/png; name=picture.png\nContent-Transfer-Encoding: "
    "base64\n\n"
    "c2VjcmV0\n"
    "--b\nContent-Type: message/rfc822\n\n"
    "Subject: inner =?utf-8?b?w6Q=?=\n\ninner body\n"
    "--b--\nepilogue\n";

static const struct {
	const char *message, *needle;
	int body, text;
} cases[] = {
    {plain, "body OF", 1, 1},
    {plain, "text,", 1, 1},
    {plain, "hello world", 0, 1},
    {plain, "World caf\xc3\x89", 0, 1},
    {plain, "from: ME@", 0, 1},
    {plain, "utf-8", 0, 0},
    {plain, "nowhere", 0, 0},
    {plain, "", 1, 1},
    {"", "", 1, 1},
    {"", "x", 0, 0},
    {"Subject: x\n", "x", 0, 1},
    {coded, "caf\xc3\xa9", 1, 1},
    {coded, "cafe", 1, 1},
    {coded, "au lait", 1, 1},
    {coded, "=e9", 0, 0},
    {latin,
     "CAF\xc3\x89 \xc3\x9c"
     "BER",
     1, 1},
    {unknown, "caf\xc3\xa9", 1, 1},
    {parts, "<b>CAF\xc3\x89", 1, 1},
    {parts, "helloworld", 1, 1},
    {parts, "secret", 0, 0},
    {parts, "c2VjcmV0", 0, 0},
    {parts, "picture.png", 0, 1},
    {parts, "inner body", 1, 1},
    {parts, "inner \xc3\xa4", 0, 1},
    {parts, "outer", 0, 1},
    {parts, "--b", 0, 0},
    {parts, "text/html", 0, 1},
};

static int file_of(const char *p, size_t n)
{
	int fd = memfd_create("message", 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, p, n), n);
	return fd;
}

static void test_cases(void **state)
{
	struct text_search *t = text_init();

	(void)state;
	assert_non_null(t);
	for (size_t i = 0; i < COUNT(cases); i++) {
		int fd = file_of(cases[i].message, strlen(cases[i].message));
		struct needle n, none;
		struct text_key k[3] = {{&n, 1, -1}, {&n, 0, -1}, {&none, 0, -1}};

		assert_int_equal(
		    needle_init(&n, cases[i].needle, strlen(cases[i].needle)), 0);
		assert_int_equal(needle_init(&none, "qwertz", 6), 0);
		assert_int_equal(text_search(t, fd, k, 3), 0);
		if (k[0].hit != cases[i].body || k[1].hit != cases[i].text ||
		    k[2].hit != 0)
			fail_msg("%s: body %d, text %d", cases[i].needle, k[0].hit,
				 k[1].hit);
		needle_free(&n);
		needle_free(&none);
		(void)close(fd);
	}
	text_free(t);
}

/* Messages that do not fit into memory at once: a text lies over every edge. */
static void find_far(struct text_search *t, const char *charset, const char *encoding)
{
	enum { LARGE = 1100000, PIECE = 65536 };
	/* edges of pieces, which begin with the body; and the end */
	static const size_t places[] = {PIECE - 3,     2 * PIECE - 5, 2 * PIECE - 1,
					4 * PIECE - 3, 8 * PIECE - 2, 16 * PIECE - 3};
	char *m = malloc(LARGE);
	struct needle n;
	struct text_key k = {&n, 1, 0};
	int len, fd;

	assert_non_null(m);
	assert_int_equal(needle_init(&n, "findme", 6), 0);
	len = snprintf(m, LARGE,
		       "Content-Type: text/plain; charset=%s\n"
		       "Content-Transfer-Encoding: %s\n\n",
		       charset, encoding);
	for (size_t i = (size_t)len; i < LARGE; i++)
		m[i] = i % 70 == 0 ? '\n' : 'f';
	fd = file_of(m, LARGE);
	for (size_t i = 0; i < COUNT(places); i++) {
		assert_int_equal(text_search(t, fd, &k, 1), 0);
		assert_int_equal(k.hit, 0);
		assert_int_equal(pwrite(fd, "FINDME", 6, len + (off_t)places[i]), 6);
		assert_int_equal(text_search(t, fd, &k, 1), 0);
		assert_int_equal(k.hit, 1);
		assert_int_equal(
		    pwrite(fd, m + len + places[i], 6, len + (off_t)places[i]), 6);
	}
	(void)close(fd);
	needle_free(&n);
	free(m);
}

static void test_large(void **state)
{
	struct text_search *t = text_init();

	(void)state;
	assert_non_null(t);
	find_far(t, "utf-8", "8bit");
	find_far(t, "iso-8859-1", "8bit");
	find_far(t, "utf-8", "quoted-printable");
	text_free(t);
}

static const struct {
	const char *name, *needle;
	int in;
} fields[] = {
    {"subject", "hello world", 1},
    {"SUBJECT", "caf\xc3\xa9", 1},
    {"Subject", "", 1},
    {"X-None", "", 0},
    {"from", "example", 1},
    {"from", "hello", 0},
    {"subjec", "", 0},
    {"subjects", "", 0},
};

static void test_fields(void **state)
{
	struct text_search *t = text_init();
	char *in = exact(plain, strlen(plain));

	(void)state;
	assert_non_null(t);
	for (size_t i = 0; i < COUNT(fields); i++) {
		struct needle n;

		assert_int_equal(
		    needle_init(&n, fields[i].needle, strlen(fields[i].needle)), 0);
		if (text_in_header(t, &n, fields[i].name, in, strlen(plain)) !=
		    fields[i].in)
			fail_msg("%s: %s", fields[i].name, fields[i].needle);
		needle_free(&n);
	}
	free(in);
	text_free(t);
}

static void test_no_file(void **state)
{
	struct text_search *t = text_init();
	struct needle n;
	struct text_key k = {&n, 0, 0};

	(void)state;
	assert_int_equal(needle_init(&n, "x", 1), 0);
	assert_int_equal(text_search(t, -1, &k, 1), -1);
	needle_free(&n);
	text_free(t);
	text_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_large),
	    cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
