/* section and wire_crlf: which bytes BODY[...] means, and how they go out. */
#include "exact.h"

#include "mime/section.h"
#include "sbuf.h"

/* RFC 9051 6.4.5.1's example, in small: a multipart of text, picture, and a message that is a
 * multipart with a text and a message without. */
static const char text[] = "Subject: outer\nContent-Type: multipart/mixed; boundary=o\n\n"
			   "--o\n\nfirst\n"
			   "--o\r\nContent-Type: image/x\r\n\r\nsecond\r\n"
			   "--o\nContent-Type: message/rfc822\n\n"
			   "Subject: inner\nContent-Type: multipart/x; boundary=i\n\n"
			   "--i\nContent-Type: text/plain\n\n3.1\n"
			   "--i\nContent-Type: message/rfc822\n\nSubject: deep\n\n3.2\n"
			   "--i--\n"
			   "--o--\n";

static const char *find(const struct mime *m, const char *bytes, const struct section *s,
			struct sbuf *out)
{
	struct section_range r;
	int in_cr = 0;

	sbuf_clear(out);
	if (!section_find(m->part, m->n, s, &r))
		return "none";
	assert_int_equal(sbuf_reserve(out, 2 * (size_t)(r.end - r.start)), 0);
	out->len = wire_crlf(out->p, bytes + r.start, (size_t)(r.end - r.start), &in_cr);
	assert_int_equal(out->len, r.wire);
	return sbuf_str(out);
}

struct line {
	struct section s;
	const char *want;
};

static void check(const char *bytes, const struct line *t, size_t n)
{
	struct mime m;
	struct sbuf out = SBUF_INIT(10000);

	mime_init(&m);
	assert_int_equal(mime_begin(&m), 0);
	assert_int_equal(mime_feed(&m, bytes, strlen(bytes)), 0);
	assert_int_equal(mime_end(&m), 0);
	for (size_t i = 0; i < n; i++) {
		const char *got = find(&m, bytes, &t[i].s, &out);

		if (strcmp(got, t[i].want) != 0)
			fail_msg("line %zu: %s", i, got);
	}
	sbuf_free(&out);
	mime_free(&m);
}

#define H     SECTION_HEADER
#define T     SECTION_TEXT
#define M     SECTION_MIME
#define INNER "Subject: inner\r\nContent-Type: multipart/x; boundary=i\r\n\r\n"
#define INNER_BODY                                                                \
	"--i\r\nContent-Type: text/plain\r\n\r\n3.1\r\n"                          \
	"--i\r\nContent-Type: message/rfc822\r\n\r\nSubject: deep\r\n\r\n3.2\r\n" \
	"--i--"

static void test_numbers(void **state)
{
	static const struct line t[] = {
	    {{0, {0}, H},
	     "Subject: outer\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n"},
	    {{0, {0}, M}, "none"},
	    {{1, {1}, SECTION_ALL}, "first"},
	    {{1, {1}, M}, "\r\n"},
	    {{1, {1}, H}, "none"},
	    {{1, {1}, T}, "none"},
	    {{2, {1, 1}, SECTION_ALL}, "none"},
	    {{1, {2}, SECTION_ALL}, "second"},
	    {{1, {2}, M}, "Content-Type: image/x\r\n\r\n"},
	    {{1, {3}, SECTION_ALL}, INNER INNER_BODY},
	    {{1, {3}, M}, "Content-Type: message/rfc822\r\n\r\n"},
	    {{1, {3}, H}, INNER},
	    {{1, {3}, T}, INNER_BODY},
	    {{2, {3, 1}, SECTION_ALL}, "3.1"},
	    {{2, {3, 1}, M}, "Content-Type: text/plain\r\n\r\n"},
	    {{2, {3, 2}, H}, "Subject: deep\r\n\r\n"},
	    {{2, {3, 2}, T}, "3.2"},
	    {{3, {3, 2, 1}, SECTION_ALL}, "3.2"},
	    {{3, {3, 2, 1}, M}, "Subject: deep\r\n\r\n"},
	    {{3, {3, 2, 2}, SECTION_ALL}, "none"},
	    {{4, {3, 2, 1, 1}, SECTION_ALL}, "none"},
	    {{2, {3, 3}, SECTION_ALL}, "none"},
	    {{1, {4}, SECTION_ALL}, "none"},
	    {{1, {0}, SECTION_ALL}, "none"},
	    {{1, {UINT32_MAX}, SECTION_ALL}, "none"},
	};

	(void)state;
	check(text, t, COUNT(t));
}

static void test_single(void **state)
{
	static const struct line plain[] = {
	    {{0, {0}, SECTION_ALL}, "A: b\r\n\r\nx\r\n"},
	    {{0, {0}, T}, "x\r\n"},
	    {{1, {1}, SECTION_ALL}, "x\r\n"},
	    {{1, {1}, M}, "A: b\r\n\r\n"},
	    {{1, {1}, H}, "none"},
	    {{1, {2}, SECTION_ALL}, "none"},
	    {{2, {1, 1}, SECTION_ALL}, "none"},
	};
	static const struct line message[] = {
	    {{0, {0}, T}, "A: b\r\n\r\nx"},  {{1, {1}, SECTION_ALL}, "A: b\r\n\r\nx"},
	    {{1, {1}, H}, "A: b\r\n\r\n"},   {{1, {1}, T}, "x"},
	    {{2, {1, 1}, SECTION_ALL}, "x"}, {{2, {1, 1}, H}, "none"},
	};
	static const struct line none[] = {
	    {{0, {0}, SECTION_ALL}, ""},
	    {{0, {0}, H}, ""},
	    {{1, {1}, SECTION_ALL}, ""},
	    {{1, {2}, SECTION_ALL}, "none"},
	};

	(void)state;
	check("A: b\n\nx\n", plain, COUNT(plain));
	check("Content-Type: message/rfc822\n\nA: b\n\nx", message, COUNT(message));
	check("", none, COUNT(none));
}

static void test_fields(void **state)
{
	static const char head[] = "Subject: a\n\tb\nTo: c\r\njunk\nTO : d\n"
				   "Subjects: e\nSubject:f\n\nTo: body\n";
	static const struct {
		const char *head, *names[3];
		size_t n;
		int not ;
		const char *want;
	} t[] = {
	    {head, {"SUBJECT"}, 1, 0, "Subject: a\r\n\tb\r\nSubject:f\r\n\r\n"},
	    {head, {"to", "from"}, 2, 0, "To: c\r\nTO : d\r\n\r\n"},
	    {head, {"subject", "to"}, 2, 1, "junk\r\nSubjects: e\r\n\r\n"},
	    {head, {"none"}, 1, 0, "\r\n"},
	    {head, {"tom"}, 1, 0, "\r\n"},
	    {head, {"subjec"}, 1, 0, "\r\n"},
	    {head, {NULL}, 0, 0, "\r\n"},
	    {head,
	     {NULL},
	     0,
	     1,
	     "Subject: a\r\n\tb\r\nTo: c\r\njunk\r\nTO : d\r\nSubjects: "
	     "e\r\nSubject:f\r\n\r\n"},
	    {"To: x", {"to"}, 1, 0, "To: x\r\n\r\n"},
	    {"", {"to"}, 1, 1, "\r\n"},
	    {"\nTo: body\n", {"to"}, 1, 0, "\r\n"},
	};
	struct sbuf out = SBUF_INIT(10000);

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		size_t n = strlen(t[i].head);
		char *copy = exact(t[i].head, n);

		sbuf_clear(&out);
		assert_int_equal(
		    section_fields(&out, copy, n, t[i].names, t[i].n, t[i].not ), 0);
		assert_string_equal(sbuf_str(&out), t[i].want);
		free(copy);
	}
	sbuf_free(&out);
}

/* All lengths, in two pieces cut anywhere. */
static void test_wire(void **state)
{
	static const char in[] = "\nab\r\n0123456789abcdef\n0123456789abcde\r\n"
				 "0123456789abcd\r\r\n\r\n\n\r\0\n0123456789";
	static const char want[] = "\r\nab\r\n0123456789abcdef\r\n0123456789abcde\r\n"
				   "0123456789abcd\r\r\n\r\n\r\n\r\0\r\n0123456789";

	(void)state;
	for (size_t cut = 0; cut < sizeof in; cut++) {
		size_t n = sizeof in - 1 - (cut < sizeof in - 1 ? cut : sizeof in - 1),
		       made;
		char *a = exact(in, sizeof in - 1 - n),
		     *b = exact(in + sizeof in - 1 - n, n);
		char *out = malloc(2 * sizeof in);
		int in_cr = 0;

		made = wire_crlf(out, a, sizeof in - 1 - n, &in_cr);
		made += wire_crlf(out + made, b, n, &in_cr);
		assert_int_equal(made, sizeof want - 1);
		assert_memory_equal(out, want, made);
		free(a);
		free(b);
		free(out);
	}
}

/* Every length of a text of dense line ends, and where they are rare, beside the plainest loop; of blocks
 * of exact size. */
static void test_wire_lengths(void **state)
{
	enum { LONG = 700 };
	static const char *const letters[] = {"\r\nx", "\n",
					      "\r\nabcdefghijklmnopqrstuvwxyz\0z"};
	static const unsigned kinds[] = {3, 1, 30};
	char in[LONG], want[2 * LONG];
	uint32_t chance = 1;

	(void)state;
	for (size_t k = 0; k < COUNT(letters); k++)
		for (size_t n = 0; n < LONG; n++) {
			size_t len = 0, made;
			int in_cr = (int)n % 2;
			char *p, *out = malloc(2 * n + 1);

			for (size_t i = 0; i < n; i++) {
				chance = chance * 1664525 + 1013904223;
				in[i] = letters[k][(chance >> 16) % kinds[k]];
				if (in[i] == '\n' && !(i > 0 ? in[i - 1] == '\r' : in_cr))
					want[len++] = '\r';
				want[len++] = in[i];
			}
			p = exact(in, n);
			out[2 * n] = '!';
			made = wire_crlf(out, p, n, &in_cr);
			assert_int_equal(made, len);
			assert_memory_equal(out, want, len);
			assert_int_equal(out[2 * n], '!');
			assert_int_equal(in_cr, n > 0 ? in[n - 1] == '\r' : 0);
			free(p);
			free(out);
		}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_numbers),      cmocka_unit_test(test_single),
	    cmocka_unit_test(test_fields),       cmocka_unit_test(test_wire),
	    cmocka_unit_test(test_wire_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
