#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alist822.h"
#include "hdr822.h"
#include "qlimits.h"
#include "sbuf.h"

/* A block of exactly n bytes, so that ASan sees a read too far. */
static char *exact(const char *p, size_t n)
{
	char *b = malloc(n > 0 ? n : 1);

	assert_non_null(b);
	memcpy(b, p, n);
	return b;
}

/* n bytes of the same unit again and again. */
static char *repeated(const char *unit, size_t n)
{
	size_t len = strlen(unit);
	char *b = malloc(n);

	assert_non_null(b);
	for (size_t i = 0; i < n; i++)
		b[i] = unit[i % len];
	return b;
}

/* ---- headers ---- */

struct header_case {
	const char *name;
	const char *in;
	size_t len;         /* of the header */
	const char *fields; /* "name=body|" each */
};

static const struct header_case headers[] = {
    {"empty", "", 0, ""},
    {"no header", "\nbody\n", 0, ""},
    {"one", "A: b\n", 5, "A= b\n|"},
    {"no LF at the end", "A: b", 4, "A= b|"},
    {"empty line ends it", "A: b\n\nC: d\n", 5, "A= b\n|"},
    {"folded", "A: b\n c\n\td\nE: f\n", 16, "A= b\n c\n\td\n|E= f\n|"},
    {"folded at once", "A:\n b\n", 6, "A=\n b\n|"},
    {"empty body", "A:\nB: \n", 7, "A=\n|B= \n|"},
    {"blank before the colon", "A \t: b\n", 7, "A= b\n|"},
    {"no field ends it", "A: b\nhello world\nC: d\n", 5, "A= b\n|"},
    {"colon only", ": b\n", 0, ""},
    {"begins folded", " a: b\n", 0, ""},
    {"8-bit name", "\xc3\xa4: b\n", 0, ""},
    {"8-bit body", "A: \xc3\xa4\n", 6, "A= \xc3\xa4\n|"},
    {"control in name", "A\001: b\n", 0, ""},
    {"mbox line", "From a Sat Nov 21 00:00:00 2026\nA: b\n", 0, ""},
    {"colon in body", "A: b:c\n", 7, "A= b:c\n|"},
};

static void test_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		const struct header_case *c = &headers[i];
		char *in = exact(c->in, strlen(c->in));
		struct sbuf out = SBUF_INIT(1000);
		struct hdr822 h;

		assert_int_equal(hdr822_parse(&h, in, strlen(c->in)), 0);
		for (size_t f = 0; f < h.n; f++) {
			assert_int_equal(
			    sbuf_cat(&out, h.p + h.field[f].start, h.field[f].name_len),
			    0);
			assert_int_equal(sbuf_catc(&out, '='), 0);
			assert_int_equal(sbuf_cat(&out, h.p + h.field[f].body,
						  h.field[f].end - h.field[f].body),
					 0);
			assert_int_equal(sbuf_catc(&out, '|'), 0);
		}
		if (strcmp(sbuf_str(&out), c->fields) != 0 || h.len != c->len)
			fail_msg("%s: %s, %zu", c->name, sbuf_str(&out), h.len);
		hdr822_free(&h);
		sbuf_free(&out);
		free(in);
	}
}

static void test_is(void **state)
{
	static const char in[] = "To: a\nSubject: x\nTO: b\n";
	struct hdr822 h;

	(void)state;
	assert_int_equal(hdr822_parse(&h, in, sizeof in - 1), 0);
	assert_true(hdr822_is(&h, &h.field[0], "to"));
	assert_false(hdr822_is(&h, &h.field[1], "to"));
	assert_false(hdr822_is(&h, &h.field[1], "subjec"));
	assert_true(hdr822_is(&h, &h.field[2], "to"));
	hdr822_free(&h);
}

static void test_too_many_fields(void **state)
{
	size_t n = 3 * (LIMIT_FIELDS + 1);
	char *in = repeated("a:\n", n);
	struct hdr822 h;

	(void)state;
	assert_int_equal(hdr822_parse(&h, in, n - 3), 0);
	assert_int_equal(h.n, LIMIT_FIELDS);
	hdr822_free(&h);
	assert_int_equal(hdr822_parse(&h, in, n), -1);
	assert_int_equal(errno, EMSGSIZE);
	free(in);
}

static void test_too_large(void **state)
{
	size_t n = LIMIT_HEADER + 1;
	char *in = repeated("x", n);
	struct hdr822 h;

	(void)state;
	in[1] = ':';
	assert_int_equal(hdr822_parse(&h, in, n - 1), 0);
	hdr822_free(&h);
	assert_int_equal(hdr822_parse(&h, in, n), -1);
	assert_int_equal(errno, EMSGSIZE);
	free(in);
}

/* ---- address lists ---- */

struct list_case {
	const char *name;
	const char *in;
	const char *out; /* addresses, each with a |; NULL: no address list */
};

static const struct list_case lists[] = {
    {"nothing", "", ""},
    {"blanks", " \t\n ", ""},
    {"bare name", "joe", "joe|"},
    {"one", "joe@x.example", "joe@x.example|"},
    {"two", "a@b, c@d", "a@b|c@d|"},
    {"empty items", ",, a@b ,,c@d,", "a@b|c@d|"},
    {"angle", "<a@b>", "a@b|"},
    {"null", "<>", "|"},
    {"name", "Joe Q. Public <john.q.public@example.com>", "john.q.public@example.com|"},
    {"quoted name", "\"Joe, Q.\" <a@b>", "a@b|"},
    {"8-bit name", "J\xc3\xb6rg <a@b>", "a@b|"},
    {"address as name", "a@b <c@d>", "c@d|"},
    {"comment as name", "a@b (Joe, or (nested \\) one))", "a@b|"},
    {"comments everywhere", "(x)a(y)@(z)b(w).c(v)", "a@b.c|"},
    {"quoted local", "\"a b\"@c", "a b@c|"},
    {"quoted pair", "\"a\\\"b\"@c", "a\"b@c|"},
    {"quoted part", "a.\"b c\".d@e", "a.b c.d@e|"},
    {"dots anywhere", ".a..b.@c", ".a..b.@c|"},
    {"final dot of a domain", "a@b.c.", "a@b.c.|"},
    {"literal", "a@[192.0.2.1]", "a@[192.0.2.1]|"},
    {"route", "<@r.example,@s:a@b>", "a@b|"},
    {"route with name", "Joe <@r:a@b>", "a@b|"},
    {"semicolon for a comma", "a@b; c@d", "a@b|c@d|"},
    {"group", "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
     "c@a.test|joe@where.test|jdoe@one.test|"},
    {"empty group", "Undisclosed recipients:;", ""},
    {"group, then more", "g: a@b; , c@d", "a@b|c@d|"},
    {"group, no comma behind", "g: a@b; c@d", "a@b|c@d|"},
    {"group not closed", "g: a@b", "a@b|"},
    {"two groups", "g:a;h:b;", "a|b|"},
    {"quoted group name", "\"a b\": c;", "c|"},
    {"folded", "a@b,\n\tc@d,\n e@f", "a@b|c@d|e@f|"},
    {"percent and bang", "a%b@c, d!e", "a%b@c|d!e|"},
    {"backslash quoted 8 bit", "\"\xc3\xa4\"@x", "\xc3\xa4@x|"},
    /* RFC 5322 A.1.2, A.1.3, A.5, A.6.1, A.6.3 */
    {"A.1.2 To", "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
     "mary@x.test|jdoe@example.org|one@y.test|"},
    {"A.1.2 Cc", "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
     "boss@nil.test|sysservices@example.net|"},
    {"A.5 From", "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
     "pete@silly.test|"},
    {"A.5 To",
     "A Group(Some people)\n     :Chris Jones <c@(Chris's host.)public.example>,\n"
     "         joe@example.org,\n  John <jdoe@one.test> (my dear friend); (the end)",
     "c@public.example|joe@example.org|jdoe@one.test|"},
    {"A.5 Cc", "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", ""},
    {"A.6.1 To", "Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
     "mary@example.net|jdoe@test.example|"},
    {"A.6.3 From", "John Doe <jdoe@machine(comment).  example>", "jdoe@machine.example|"},
    {"two words", "joe public", NULL},
    {"two addresses", "a@b c@d", NULL},
    {"words behind an angle", "<a@b> c", NULL},
    {"two angles", "<a@b><c@d>", NULL},
    {"no local part", "@b", NULL},
    {"no domain", "a@", NULL},
    {"empty label", "a@b..c", NULL},
    {"two at", "a@b@c", NULL},
    {"two literals", "a@[1][2]", NULL},
    {"quoted domain", "a@\"b\"", NULL},
    {"open angle", "<a@b", NULL},
    {"open quote", "\"a@b", NULL},
    {"open comment", "a@b (c", NULL},
    {"open literal", "a@[1", NULL},
    {"closed only", "a@b>", NULL},
    {"comment closed only", "a@b)", NULL},
    {"group in group", "g: h: a;;", NULL},
    {"group without a name", ": a;", NULL},
    {"address as group", "a@b: c;", NULL},
    {"route alone", "<@r:>", "|"},
    {"route, no colon", "<@r a@b>", NULL},
    {"control", "a\001b@c", NULL},
    {"backslash", "a\\b@c", NULL},
    {"two angles inside", "<<a@b>>", NULL},
};

static void test_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		const struct list_case *c = &lists[i];
		size_t n = strlen(c->in);
		char *in = exact(c->in, n);
		struct sbuf out = SBUF_INIT(1000);
		struct alist822 l;
		struct mailbox822 m;
		int r;

		alist822_init(&l, in, n);
		while ((r = alist822_next(&l, &m)) == 1) {
			assert_int_equal(mailbox822_address(in, &m, &out), 0);
			assert_int_equal(sbuf_catc(&out, '|'), 0);
			assert_true(m.end <= n && m.start <= m.local_end &&
				    m.local_end <= m.end && m.domain <= m.end);
		}
		if (r == -1 ? c->out != NULL
			    : c->out == NULL || strcmp(sbuf_str(&out), c->out) != 0)
			fail_msg("%s: %d, %s", c->name, r, sbuf_str(&out));
		sbuf_free(&out);
		free(in);
	}
}

/* A NUL in a comment is no end of anything. */
static void test_nul(void **state)
{
	static const char in[] = "(\0) a@b, \"c\0\"@d, e\0f";
	struct sbuf out = SBUF_INIT(100);
	struct alist822 l;
	struct mailbox822 m;

	(void)state;
	alist822_init(&l, in, sizeof in - 1);
	assert_int_equal(alist822_next(&l, &m), 1);
	assert_int_equal(mailbox822_address(in, &m, &out), 0);
	assert_int_equal(alist822_next(&l, &m), 1);
	assert_int_equal(mailbox822_address(in, &m, &out), 0);
	assert_int_equal(alist822_next(&l, &m), -1);
	assert_int_equal(out.len, 7);
	assert_memory_equal(out.p, "a@bc\0@d", 7);
	sbuf_free(&out);
}

/* What made others slow: nesting without end, and half a million addresses. */
static void test_linear(void **state)
{
	size_t n = 8 * 1024 * 1024;
	char *in = repeated("(", n);
	struct alist822 l;
	struct mailbox822 m;
	size_t count = 0;

	(void)state;
	alist822_init(&l, in, n);
	assert_int_equal(alist822_next(&l, &m), -1);
	free(in);
	in = repeated("a@b,", n);
	alist822_init(&l, in, n);
	while (alist822_next(&l, &m) == 1)
		count++;
	assert_int_equal(count, n / 4);
	free(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_headers),         cmocka_unit_test(test_is),
	    cmocka_unit_test(test_too_many_fields), cmocka_unit_test(test_too_large),
	    cmocka_unit_test(test_lists),           cmocka_unit_test(test_nul),
	    cmocka_unit_test(test_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
