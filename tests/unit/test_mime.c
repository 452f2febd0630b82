/* parse: where parts begin and end, and what no message may do. */
#include "exact.h"

#include <stdio.h>

#include "mime/parse.h"
#include "sbuf.h"

#define MP(b) "Content-Type: multipart/mixed; boundary=\"" b "\"\n\n"

static void parse(struct mime *m, const char *p, size_t n)
{
	char *copy = exact(p, n);

	assert_int_equal(mime_begin(m), 0);
	assert_int_equal(mime_feed(m, copy, n), 0);
	assert_int_equal(mime_end(m), 0);
	free(copy);
}

/* Bytes with ~ for LF and ^ for CR. */
static void show_bytes(struct sbuf *out, const char *p, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++)
		assert_int_equal(sbuf_catc(out, p[i] == '\n'   ? '~'
						: p[i] == '\r' ? '^'
							       : p[i]),
				 0);
}

/* A leaf: [header|body]; (M ...) a message, (* ...) a multipart. The root's own header is not shown. */
static void show_part(struct sbuf *out, const struct mime_part *p, const char *text)
{
	static const char *const open[] = {"[", "(* ", "(M "};

	assert_int_equal(sbuf_cats(out, open[p->kind]), 0);
	if (p->kind != MIME_LEAF)
		return;
	if (p->parent != 0 || p->header > 0)
		show_bytes(out, text, p->header, p->body);
	assert_int_equal(sbuf_catc(out, '|'), 0);
	show_bytes(out, text, p->body, p->end);
	assert_int_equal(sbuf_catc(out, ']'), 0);
}

static void show(struct sbuf *out, const struct mime *m, const char *text)
{
	uint32_t i = 0;

	sbuf_clear(out);
	for (;;) {
		show_part(out, &m->part[i], text);
		if (m->part[i].child != 0) {
			i = m->part[i].child;
			continue;
		}
		for (;; i = m->part[i].parent) {
			if (m->part[i].kind != MIME_LEAF)
				assert_int_equal(sbuf_catc(out, ')'), 0);
			if (m->part[i].next != 0 || i == 0)
				break;
		}
		if (i == 0)
			return;
		i = m->part[i].next;
	}
}

static void test_shapes(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} t[] = {
	    {"nothing", "", "[|]"},
	    {"an empty line", "\n", "[|]"},
	    {"an empty line in CRLF", "\r\n", "[|]"},
	    {"only header", "A: b\n", "[|]"},
	    {"header without an end", "A: b", "[|]"},
	    {"header and CR", "A: b\n\r", "[|]"},
	    {"plain", "A: b\n\nx\n", "[|x~]"},
	    {"plain, CRLF", "A: b\r\n\r\nx\r\n", "[|x^~]"},
	    {"dashes without a boundary", "A: b\n\n--x\n--\n", "[|--x~--~]"},
	    {"two parts", MP("b") "--b\nA: b\n\n1\n--b\n\n2\n--b--\n",
	     "(* [A: b~~|1][~|2])"},
	    {"preamble, epilogue", MP("b") "p\n--b\n\n1\n--b--\ne\n--b\n", "(* [~|1])"},
	    {"CRLF before a delimiter", MP("b") "--b\r\n\r\n1\r\n--b--\r\n",
	     "(* [^~|1])"},
	    {"no final delimiter", MP("b") "--b\n\n1\n", "(* [~|1~])"},
	    {"delimiter at the end", MP("b") "--b\n\n1\n--b", "(* [~|1][|])"},
	    {"final delimiter at the end", MP("b") "--b\n\n1\n--b--", "(* [~|1])"},
	    {"no part", MP("b") "nothing\n", "(* )"},
	    {"blanks behind a delimiter", MP("b") "--b \t\n\n1\n--b-- \n", "(* [~|1])"},
	    {"more behind a delimiter", MP("b") "--bx\n\n1\n--b--x\n", "(* [~|1])"},
	    {"no delimiter within a line", MP("b") "--b\n\n1--b\n -b\n-b\n",
	     "(* [~|1--b~ -b~-b~])"},
	    {"no empty line in a part", MP("b") "--b\nA: b\n--b--\n", "(* [A: b~|])"},
	    {"no body in a part", MP("b") "--b\nA: b\n\n--b--\n", "(* [A: b~~|])"},
	    {"one line end in a part", MP("b") "--b\n\n\n--b--\n", "(* [~|])"},
	    {"two line ends in a part", MP("b") "--b\n\n\n\n--b--\n", "(* [~|~])"},
	    {"delimiters alone", MP("b") "--b\n--b\n--b--\n", "(* [|][|])"},
	    {"an outer boundary ends an inner multipart",
	     MP("o") "--o\n" MP("i") "--i\n\n1\n--o\n\n2\n--o--\n", "(* (* [~|1])[~|2])"},
	    {"an outer boundary before the first inner one",
	     MP("o") "--o\n" MP("i") "p\n--o\n\n2\n--i\n--o--\n", "(* (* )[~|2~--i])"},
	    {"inner begins with outer", MP("b") "--b\n" MP("bc") "--bc\n\n1\n--b\n\n2\n",
	     "(* (* [~|1])[~|2~])"},
	    {"outer begins with inner", MP("bc") "--bc\n" MP("b") "--b\n\n1\n--bc\n\n2\n",
	     "(* (* [~|1])[~|2~])"},
	    {"one boundary twice: the inner one",
	     MP("b") "--b\n" MP("b") "--b\n\n1\n--b--\n--b\n\n2\n",
	     "(* (* [~|1])[~|2~])"},
	    {"message", "Content-Type: message/rfc822\n\nA: b\n\nx\n", "(M [A: b~~|x~])"},
	    {"message/global", "Content-Type: Message/Global\n\nA: b\n\nx\n",
	     "(M [A: b~~|x~])"},
	    {"message with a multipart",
	     "Content-Type: message/rfc822\n\n" MP("b") "--b\n\n1", "(M (* [~|1]))"},
	    {"message without anything", "Content-Type: message/rfc822\n", "(M [|])"},
	    {"a delimiter ends a message's header",
	     MP("b") "--b\nContent-Type: message/rfc822\n\nA: b\n--b--\n",
	     "(* (M [A: b~|]))"},
	    {"a delimiter instead of a message",
	     MP("b") "--b\nContent-Type: message/rfc822\n\n--b--\n", "(* (M [|]))"},
	    {"a delimiter ends the header that says message",
	     MP("b") "--b\nContent-Type: message/rfc822\n--b--\n", "(* (M [|]))"},
	    {"digest",
	     "Content-Type: multipart/digest; boundary=b\n\n--b\n\nA: b\n\nx\n"
	     "--b\nContent-Type: text/plain\n\ny\n--b--\n",
	     "(* (M [A: b~~|x])[Content-Type: text/plain~~|y])"},
	    {"multipart without a boundary", "Content-Type: multipart/mixed\n\n--\n",
	     "[|--~]"},
	    {"a boundary in pieces",
	     "Content-Type: multipart/mixed; boundary*0=a; boundary*1=b\n\n--ab\n\n1",
	     "(* [~|1])"},
	    {"a boundary with a charset",
	     "Content-Type: multipart/mixed; boundary*=us-ascii'en'b\n\n--b\n\n1",
	     "(* [~|1])"},
	    {"a folded boundary",
	     "Content-Type: multipart/mixed;\n\tboundary=\"a\n b\" (c)\n\n--a b\n\n1",
	     "(* [~|1])"},
	    {"the first Content-Type", "Content-Type: text/x\n" MP("b") "--b\n\n1",
	     "[|--b~~1]"},
	    {"lines that are no fields", "no field\n: none\n" MP("b") "--b\n\n1",
	     "(* [~|1])"},
	    {"blanks before the colon",
	     "Content-Type : multipart/x; boundary=b\n\n--b\n\n1", "(* [~|1])"},
	};
	struct mime m;
	struct sbuf got = SBUF_INIT(10000);

	(void)state;
	mime_init(&m);
	for (size_t i = 0; i < COUNT(t); i++) {
		parse(&m, t[i].text, strlen(t[i].text));
		show(&got, &m, t[i].text);
		if (strcmp(sbuf_str(&got), t[i].want) != 0)
			fail_msg("%s: %s", t[i].name, sbuf_str(&got));
	}
	sbuf_free(&got);
	mime_free(&m);
}

static void test_figures(void **state)
{
	static const char text[] =
	    "Content-Type: multipart/mixed; boundary=b\r\n\n--b\n"
	    "Content-Type: TEXT/html; Charset=\"kOI8-r\"\n"
	    "Content-Transfer-Encoding: Quoted-Printable (really)\n\n"
	    "one\r\ntwo\n\nfour\n--b\nContent-Type: image/x\n"
	    "Content-Transfer-Encoding: x-own\n\n\0\n--b--\n";
	struct mime m;

	(void)state;
	mime_init(&m);
	parse(&m, text, sizeof text - 1);
	assert_int_equal(m.n, 3);
	assert_int_equal(m.size, sizeof text - 1);
	assert_int_equal(m.wire, m.size + m.bare);
	assert_int_equal(m.bare, 14);
	assert_int_equal(m.has_nul, 1);
	assert_int_equal(m.part[1].lines, 3); /* the last line's end is the delimiter's */
	assert_int_equal(m.part[1].body_wire, 3 + 2 + 3 + 2 + 2 + 4);
	assert_int_equal(m.part[1].header_wire, m.part[1].body - m.part[1].header + 3);
	assert_int_equal(m.part[1].encoding, MIME_QP);
	assert_true(m.part[1].is_text);
	assert_string_equal(m.text.p + m.part[1].charset, "kOI8-r");
	assert_int_equal(m.part[2].encoding, MIME_UNKNOWN);
	assert_false(m.part[2].is_text);
	assert_int_equal(m.part[2].charset, 0);
	assert_int_equal(m.header.len, m.part[0].body);
	mime_free(&m);
}

/* The same message again and again, with all of the memory of the one before. */
static void test_reuse(void **state)
{
	static const char text[] = MP("b") "--b\n\n1\n--b\n\n2\n--b--\n";
	struct mime m;
	struct mime_part first[3];

	(void)state;
	mime_init(&m);
	parse(&m, text, sizeof text - 1);
	memcpy(first, m.part, sizeof first);
	parse(&m, "A: b\n\nx\n", 8);
	assert_int_equal(m.n, 1);
	assert_int_equal(m.header.len, 6);
	parse(&m, text, sizeof text - 1);
	assert_memory_equal(first, m.part, sizeof first);
	mime_free(&m);
}

static void repeat(struct sbuf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(sbuf_cats(b, s), 0);
}

static void test_many_parts(void **state)
{
	struct sbuf b = SBUF_INIT(SIZE_MAX / 2);
	struct mime m;

	(void)state;
	mime_init(&m);
	repeat(&b, MP("b"), 1);
	repeat(&b, "--b\n\nx\n", MIME_PARTS - 1);
	parse(&m, b.p, b.len);
	assert_int_equal(m.n, MIME_PARTS);
	assert_int_equal(m.part[MIME_PARTS - 1].end, b.len);
	repeat(&b, "--b\n\nx\n", 100000);
	parse(&m, b.p, b.len);
	assert_int_equal(m.n, MIME_PARTS); /* what comes then is the last one's body */
	assert_int_equal(m.part[MIME_PARTS - 1].end, b.len);
	assert_int_equal(m.part[MIME_PARTS - 2].end - m.part[MIME_PARTS - 2].body, 1);
	sbuf_clear(&b);
	repeat(&b, MP("b"), 1);
	repeat(&b, "--b\n\nx\n", MIME_PARTS - 2);
	repeat(&b, "--b\nContent-Type: message/rfc822\n\nA: b\n\nx\n", 2);
	parse(&m, b.p, b.len); /* for the message inside there is no place */
	assert_int_equal(m.n, MIME_PARTS);
	assert_int_equal(m.part[MIME_PARTS - 1].kind, MIME_LEAF);
	assert_true(m.part[MIME_PARTS - 1].is_text);
	sbuf_free(&b);
	mime_free(&m);
}

static void test_depth(void **state)
{
	static const char message[] = "Content-Type: message/rfc822\n\n";
	struct sbuf b = SBUF_INIT(SIZE_MAX / 2);
	struct mime m;

	(void)state;
	mime_init(&m);
	repeat(&b, message, 1000);
	parse(&m, b.p, b.len);
	assert_int_equal(m.n, MIME_DEPTH + 1);
	assert_int_equal(m.part[MIME_DEPTH - 1].kind, MIME_MESSAGE);
	assert_int_equal(m.part[MIME_DEPTH].kind, MIME_LEAF);
	assert_true(m.part[MIME_DEPTH].is_text);
	assert_int_equal(m.part[MIME_DEPTH].end, b.len);

	sbuf_clear(&b);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(
		    sbuf_catf(&b,
			      "Content-Type: multipart/mixed; boundary=\"%0*d\"\n"
			      "\n--%0*d\n",
			      MIME_BOUNDARY, i, MIME_BOUNDARY, i),
		    0);
	repeat(&b, "\nx\n", 1);
	parse(&m, b.p, b.len);
	assert_int_equal(m.n, MIME_DEPTH + 1);
	assert_int_equal(m.part[MIME_DEPTH].kind, MIME_LEAF);
	sbuf_free(&b);
	mime_free(&m);
}

/* What a multipart's boundary took is free for the next beside it. */
static void test_many_multiparts(void **state)
{
	struct sbuf b = SBUF_INIT(SIZE_MAX / 2);
	struct mime m;

	(void)state;
	mime_init(&m);
	repeat(&b, MP("b"), 1);
	for (int i = 0; i < 3 * MIME_DEPTH; i++)
		assert_int_equal(
		    sbuf_catf(&b,
			      "--b\nContent-Type: multipart/x; boundary=%0*d\n"
			      "\n--%0*d\n\nx\n",
			      MIME_BOUNDARY, i, MIME_BOUNDARY, i),
		    0);
	parse(&m, b.p, b.len);
	assert_int_equal(m.n, 1 + 2 * 3 * MIME_DEPTH);
	sbuf_free(&b);
	mime_free(&m);
}

static void test_header_cap(void **state)
{
	struct sbuf b = SBUF_INIT(SIZE_MAX / 2);
	struct mime m;

	(void)state;
	mime_init(&m);
	repeat(&b, "Subject: ", 1);
	while (b.len < MIME_HEADER)
		repeat(&b, "a long line of a header ", 40000);
	repeat(&b, "\nContent-Type: text/html; charset=utf-8\n\nx\n", 1);
	parse(&m, b.p, b.len);
	assert_int_equal(m.header.len, MIME_HEADER);
	assert_int_equal(m.part[0].body, b.len - 2);
	assert_int_equal(m.part[0].charset, 0); /* it was not looked at */
	sbuf_free(&b);
	mime_free(&m);
}

static void test_param_cap(void **state)
{
	struct sbuf b = SBUF_INIT(SIZE_MAX / 2);
	struct mime m;

	(void)state;
	mime_init(&m);
	for (size_t before = MIME_PARAMS - 1; before <= MIME_PARAMS; before++) {
		sbuf_clear(&b);
		repeat(&b, "Content-Type: text/plain", 1);
		repeat(&b, "; a=b", before);
		repeat(&b, "; charset=utf-8\n\n", 1);
		parse(&m, b.p, b.len);
		assert_string_equal(m.text.p + m.part[0].charset,
				    before < MIME_PARAMS ? "utf-8" : "");
	}
	sbuf_free(&b);
	mime_free(&m);
}

static void test_boundary_cap(void **state)
{
	char text[2000];
	struct mime m;

	(void)state;
	mime_init(&m);
	for (int len = MIME_BOUNDARY; len <= MIME_BOUNDARY + 1; len++) {
		int n = snprintf(text, sizeof text,
				 "Content-Type: multipart/x; boundary=%0*d\n\n"
				 "--%0*d and more\n\nx\n--%0*d--\n",
				 len, 7, len, 7, len, 7);

		parse(&m, text, (size_t)n);
		assert_int_equal(m.n, len == MIME_BOUNDARY ? 2 : 1);
		assert_int_equal(m.part[m.n - 1].end - m.part[m.n - 1].body,
				 len == MIME_BOUNDARY ? 1 : 2 * len + 2 * 2 + 16);
	}
	mime_free(&m);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shapes),          cmocka_unit_test(test_figures),
	    cmocka_unit_test(test_reuse),           cmocka_unit_test(test_many_parts),
	    cmocka_unit_test(test_depth),           cmocka_unit_test(test_header_cap),
	    cmocka_unit_test(test_many_multiparts), cmocka_unit_test(test_param_cap),
	    cmocka_unit_test(test_boundary_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
