/* digest: the texts of ENVELOPE and BODYSTRUCTURE, and what else is kept. */
#include "exact.h"

#include "../fuzz/imap_text.h"
#include "mime/digest.h"
#include "sbuf.h"

static void make(struct sbuf *out, const char *p, size_t n)
{
	struct mime m;
	char *copy = exact(p, n);

	mime_init(&m);
	assert_int_equal(mime_begin(&m), 0);
	assert_int_equal(mime_feed(&m, copy, n), 0);
	assert_int_equal(mime_end(&m), 0);
	sbuf_clear(out);
	assert_int_equal(digest_make(out, &m), 0);
	mime_free(&m);
	free(copy);
}

/* One of its texts, NUL-ended, until the next. */
static const char *get(const struct sbuf *d, enum digest_what what, struct sbuf *text)
{
	const char *p;
	size_t n;

	assert_int_equal(digest_get(d->p, d->len, what, &p, &n), 1);
	sbuf_clear(text);
	assert_int_equal(sbuf_cat(text, p, n), 0);
	if (what <= DIGEST_BODY)
		assert_true(imap_list(p, n) > 0);
	return sbuf_str(text);
}

struct line {
	const char *name, *in, *want;
};

static void check(const struct line *t, size_t n, enum digest_what what)
{
	struct sbuf d = SBUF_INIT(SIZE_MAX / 2), text = SBUF_INIT(SIZE_MAX / 2);

	for (size_t i = 0; i < n; i++) {
		const char *got;

		make(&d, t[i].in, strlen(t[i].in));
		got = get(&d, what, &text);
		if (strcmp(got, t[i].want) != 0)
			fail_msg("%s: %s", t[i].name, got);
	}
	sbuf_free(&d);
	sbuf_free(&text);
}

#define AB   "((NIL NIL \"a\" \"b\"))"
#define NILS " NIL NIL NIL NIL"

static void test_envelope(void **state)
{
	static const struct line t[] = {
	    {"nothing", "", "(NIL NIL NIL NIL NIL NIL" NILS ")"},
	    {"all of it",
	     "Message-ID: <m@i>\nDate: Thu, 1 Jan 1970 00:00:00 +0000\nSubject: s\n"
	     "From: a@b\nSender: c@d\nReply-To: e@f\nTo: g@h\nCc: i@j\nBcc: k@l\n"
	     "In-Reply-To: <r@s>\n",
	     "(\"Thu, 1 Jan 1970 00:00:00 +0000\" \"s\" " AB " ((NIL NIL \"c\" \"d\"))"
	     " ((NIL NIL \"e\" \"f\")) ((NIL NIL \"g\" \"h\")) ((NIL NIL \"i\" \"j\"))"
	     " ((NIL NIL \"k\" \"l\")) \"<r@s>\" \"<m@i>\")"},
	    {"From alone", "From: a@b\n", "(NIL NIL " AB " " AB " " AB " NIL" NILS ")"},
	    {"empty Sender", "From: a@b\nSender:\nReply-To: \n",
	     "(NIL NIL " AB " " AB " " AB " NIL" NILS ")"},
	    {"two From", "From: a@b\nFrom: c@d\nSender: x@y\nReply-To: x@y\n",
	     "(NIL NIL ((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")) ((NIL NIL \"x\" "
	     "\"y\"))"
	     " ((NIL NIL \"x\" \"y\")) NIL" NILS ")"},
	    {"the first Subject", "Subject: a\nSubject: b\n",
	     "(NIL \"a\" NIL NIL NIL NIL" NILS ")"},
	    {"an empty Subject", "Subject: \n", "(NIL \"\" NIL NIL NIL NIL" NILS ")"},
	    {"folded with blanks and tabs", "Subject:\n a\n\tb\r\n  c\td \n \n",
	     "(NIL \"a b  c\td\" NIL NIL NIL NIL" NILS ")"},
	    {"quotes", "Subject: \"a\\b\"\n",
	     "(NIL \"\\\"a\\\\b\\\"\" NIL NIL NIL NIL" NILS ")"},
	    {"encoded words stay", "Subject: =?utf-8?q?=C3=BC?=\n",
	     "(NIL \"=?utf-8?q?=C3=BC?=\" NIL NIL NIL NIL" NILS ")"},
	    {"UTF-8", "Subject: \xc3\xbc \"\n",
	     "(NIL {4}\r\n\xc3\xbc \" NIL NIL NIL NIL" NILS ")"},
	    {"8-bit, folded", "Subject: \xfc\n b\n",
	     "(NIL {3}\r\n\xfc b NIL NIL NIL NIL" NILS ")"},
	    {"CR alone", "Subject: a\rb\n", "(NIL \"a b\" NIL NIL NIL NIL" NILS ")"},
	    {"not in a body", "A: b\n\nSubject: a\n",
	     "(NIL NIL NIL NIL NIL NIL" NILS ")"},
	};

	(void)state;
	check(t, COUNT(t), DIGEST_ENVELOPE);
}

static void test_no_nul(void **state)
{
	static const char text[] = "Subject: a\0b\nFrom: \"x\0y\" <a\0b@c>\n\n\0";
	struct sbuf d = SBUF_INIT(10000), out = SBUF_INIT(10000);
	struct digest_numbers n;

	(void)state;
	make(&d, text, sizeof text - 1);
	get(&d, DIGEST_ENVELOPE, &out);
	assert_null(memchr(out.p, '\0', out.len));
	assert_string_equal(get(&d, DIGEST_SUBJECT, &out), "ab");
	assert_int_equal(digest_numbers(d.p, d.len, &n), 1);
	assert_int_equal(n.has_nul, 1);
	sbuf_free(&d);
	sbuf_free(&out);
}

/* To: of one line; the list that is wanted. */
static void test_addresses(void **state)
{
	static const struct line t[] = {
	    {"plain", "a@b", AB},
	    {"angle", "<a@b>", AB},
	    {"name", "Joe  Q. X <a@b>", "((\"Joe Q. X\" NIL \"a\" \"b\"))"},
	    {"quoted name", "\"Joe \\\"Q\\\", X\" <a@b>",
	     "((\"Joe \\\"Q\\\", X\" NIL \"a\" \"b\"))"},
	    {"name in pieces", "\"Joe\" X\n\t\"Y\" <a@b>",
	     "((\"Joe X Y\" NIL \"a\" \"b\"))"},
	    {"encoded name", "=?utf-8?q?a?=\n =?utf-8?q?b?= <a@b>",
	     "((\"=?utf-8?q?a?= =?utf-8?q?b?=\" NIL \"a\" \"b\"))"},
	    {"8-bit name", "\"\xfc\" <a@b>", "(({1}\r\n\xfc NIL \"a\" \"b\"))"},
	    {"comment as name", "a@b (Joe  (Q)\\) X)",
	     "((\"Joe (Q)) X\" NIL \"a\" \"b\"))"},
	    {"comment and name", "(c) Joe (d) X <a@b> (e)",
	     "((\"Joe X\" NIL \"a\" \"b\"))"},
	    {"quoted local part", "\"a b\\\"\"@c", "((NIL NIL \"a b\\\"\" \"c\"))"},
	    {"literal", "a@[1.2.3.4]", "((NIL NIL \"a\" \"[1.2.3.4]\"))"},
	    {"blanks and comments inside", "a . b @ (x) c . d",
	     "((NIL NIL \"a.b\" \"c.d\"))"},
	    {"route", "J <@r , @s.t : a@b>", "((\"J\" \"@r,@s.t\" \"a\" \"b\"))"},
	    {"many", ",a@b,, c@d,", "((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))"},
	    {"empty group", "undisclosed recipients: ;",
	     "((NIL NIL \"undisclosed recipients\" NIL)(NIL NIL NIL NIL))"},
	    {"group", "g: a@b, X <c@d>;, e@f",
	     "((NIL NIL \"g\" NIL)(NIL NIL \"a\" \"b\")(\"X\" NIL \"c\" \"d\")"
	     "(NIL NIL NIL NIL)(NIL NIL \"e\" \"f\"))"},
	    {"group without an end", "g: a@b",
	     "((NIL NIL \"g\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL))"},
	    {"two groups", "g:;, h: a@b;",
	     "((NIL NIL \"g\" NIL)(NIL NIL NIL NIL)(NIL NIL \"h\" NIL)"
	     "(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL))"},
	    {"semicolons", "a@b; c@d", "((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))"},
	    {"no domain", "a", "((NIL NIL \"a\" \"MISSING_DOMAIN\"))"},
	    {"the null address", "Joe <>",
	     "((\"Joe\" NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\"))"},
	    {"words", "Joe X",
	     "((\"Joe X\" NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\"))"},
	    {"words, good one", "Joe X, a@b",
	     "((\"Joe X\" NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\")"
	     "(NIL NIL \"a\" \"b\"))"},
	    {"text behind", "Joe <a@b> x", "((\"Joe\" NIL \"a\" \"b\"))"},
	    {"one > too many", "<a@b>>", "((NIL NIL \"a\" \"b\"))"},
	    {"no >", "Joe <a@b", "((\"Joe\" NIL \"a\" \"b\"))"},
	    {"> alone", "a@b>", "((NIL NIL \"a\" \"b\"))"},
	    {"half an address", "<a@>", "((NIL NIL \"a\" \"MISSING_DOMAIN\"))"},
	    {"the other half", "@b", "((NIL NIL \"MISSING_MAILBOX\" \"b\"))"},
	    {"two @", "a@b@c", "((NIL NIL \"a@b\" \"c\"))"},
	    {"a quote", "\"Joe <a@b>, c@d",
	     "((\"Joe\" NIL \"a\" \"b\"))"}, /* it is never closed: all is one */
	    {"a parenthesis", "Joe) <a@b>", "((\"Joe)\" NIL \"a\" \"b\"))"},
	    {"nothing", "", "NIL"},
	    {"commas", " , ,", "NIL"},
	};
	struct sbuf d = SBUF_INIT(10000), text = SBUF_INIT(10000), in = SBUF_INIT(10000);

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		const char *got;

		sbuf_clear(&in);
		assert_int_equal(sbuf_catf(&in, "To: %s\n", t[i].in), 0);
		make(&d, in.p, in.len);
		get(&d, DIGEST_ENVELOPE, &text);
		sbuf_clear(&in);
		assert_int_equal(
		    sbuf_catf(&in, "(NIL NIL NIL NIL NIL %s" NILS ")", t[i].want), 0);
		got = sbuf_str(&text);
		if (strcmp(got, sbuf_str(&in)) != 0)
			fail_msg("%s: %s", t[i].name, got);
	}
	sbuf_free(&d);
	sbuf_free(&text);
	sbuf_free(&in);
}

#define PLAIN "\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\""
#define EXT   " NIL NIL NIL NIL)"

static void test_structure(void **state)
{
	static const struct line t[] = {
	    {"nothing", "", "(" PLAIN " 0 0" EXT},
	    {"text", "A: b\n\nx\ny", "(" PLAIN " 4 1" EXT},
	    {"all fields",
	     "Content-Type: Image/PNG; name=\"a \\\"b\\\"\"; x=y\n"
	     "Content-Transfer-Encoding: BASE64\nContent-ID: <i@d>\n"
	     "Content-Description: d\n e\nContent-MD5: md5==\n"
	     "Content-Disposition: Attachment; filename=f.png; size=3\n"
	     "Content-Language: en, de (x)\nContent-Location: http://x/\n\nQUJD\n",
	     "(\"Image\" \"PNG\" (\"name\" \"a \\\"b\\\"\" \"x\" \"y\") \"<i@d>\" \"d e\""
	     " \"BASE64\" 6 \"md5==\" (\"Attachment\" (\"filename\" \"f.png\" \"size\" "
	     "\"3\"))"
	     " (\"en\" \"de\") \"http://x/\")"},
	    {"html has a charset, too", "Content-Type: text/html; a=b\n\n",
	     "(\"text\" \"html\" (\"a\" \"b\" \"charset\" \"us-ascii\") NIL NIL \"7bit\" "
	     "0 0" EXT},
	    {"its own", "Content-Type: text/html; Charset=x\n\n",
	     "(\"text\" \"html\" (\"Charset\" \"x\") NIL NIL \"7bit\" 0 0" EXT},
	    {"no type", "Content-Type: text\n\n", "(" PLAIN " 0 0" EXT},
	    {"no type at all", "Content-Type:\n\n", "(" PLAIN " 0 0" EXT},
	    {"comments",
	     "Content-Type: (a) application (b) / (c) x (d) ; (e) y (f) = (g) z\n\n",
	     "(\"application\" \"x\" (\"y\" \"z\") NIL NIL \"7bit\" 0" EXT},
	    {"odd parameters",
	     "Content-Type: application/x; n=foo bar.txt; o; =p; q=; r=[a]@b/c;; s=\"a\n "
	     "b\n",
	     "(\"application\" \"x\" (\"n\" \"foo\" \"q\" \"\" \"r\" \"[a]@b/c\" \"s\" "
	     "\"a b\")"
	     " NIL NIL \"7bit\" 0" EXT},
	    {"pieces",
	     "Content-Type: application/x; f*0=a; F*1=\"b c\"; f*3=d; f*2=e; "
	     "g*0*=utf-8''%41;"
	     " g*1=b; g*2*=%43; h*=utf-8''x; i*x=y; j*1=z\n\n",
	     "(\"application\" \"x\" (\"f\" \"ab c\" \"f*3\" \"d\" \"f*2\" \"e\""
	     " \"g*\" \"utf-8''%41b%43\" \"h*\" \"utf-8''x\" \"i*x\" \"y\" \"j*1\" \"z\")"
	     " NIL NIL \"7bit\" 0" EXT},
	    {"multipart",
	     "Content-Type: multipart/mixed; boundary=b\nContent-Language: en\n\n"
	     "--b\n\nx\n--b\nContent-Type: image/x\n\ny\n--b--\n",
	     "((" PLAIN " 1 0" EXT "(\"image\" \"x\" NIL NIL NIL \"7bit\" 1" EXT
	     " \"mixed\" (\"boundary\" \"b\") NIL (\"en\") NIL)"},
	    {"multipart without parts", "Content-Type: multipart/mixed; boundary=b\n\n",
	     "((" PLAIN " 0 0" EXT " \"mixed\" (\"boundary\" \"b\") NIL NIL NIL)"},
	    {"message",
	     "Content-Type: message/rfc822\nContent-MD5: m\n\nSubject: s\n\nx\n",
	     "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 17"
	     " (NIL \"s\" NIL NIL NIL NIL" NILS ") (" PLAIN " 3 1" EXT
	     " 3 \"m\" NIL NIL NIL)"},
	    {"digest",
	     "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: "
	     "s\n\n\n--b--\n",
	     "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 14"
	     " (NIL \"s\" NIL NIL NIL NIL" NILS ") (" PLAIN " 0 0" EXT " 2" EXT
	     " \"digest\" (\"boundary\" \"b\") NIL NIL NIL)"},
	};

	(void)state;
	check(t, COUNT(t), DIGEST_BODYSTRUCTURE);
}

static void test_body(void **state)
{
	static const struct line t[] = {
	    {"text", "Content-MD5: x\n\nx\n", "(" PLAIN " 3 1)"},
	    {"no part", "Content-Type: multipart/x; boundary=b\n\n",
	     "((" PLAIN " 0 0) \"x\")"},
	    {"all",
	     "Content-Type: multipart/x; boundary=b\nContent-Disposition: inline\n\n"
	     "--b\nContent-Type: message/rfc822\n\nSubject: s\n\nx\n--b\n\n\n--b--\n",
	     "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 15"
	     " (NIL \"s\" NIL NIL NIL NIL" NILS ") (" PLAIN " 1 0) 2)(" PLAIN
	     " 0 0) \"x\")"},
	};

	(void)state;
	check(t, COUNT(t), DIGEST_BODY);
}

static void test_keys(void **state)
{
	static const char text[] =
	    "Date: 1 Jan 1970 01:00:00 +0100\nSubject: =?x?q?y?=\n\tz\nFrom: \"A\" "
	    "<a@b>\n"
	    "To: c@d\nTo: e@f\nCc: g@h\nBcc: i@j\nMessage-ID: <m>\nIn-Reply-To: <n>\n"
	    "References: <o>\n <p>\nSubject: second\n\nx\r\ny\n";
	static const struct {
		enum digest_what what;
		const char *want;
	} t[] = {
	    {DIGEST_SUBJECT, "=?x?q?y?= z"},
	    {DIGEST_FROM, "\"A\" <a@b>"},
	    {DIGEST_TO, "c@d, e@f"},
	    {DIGEST_CC, "g@h"},
	    {DIGEST_BCC, "i@j"},
	    {DIGEST_MESSAGEID, "<m>"},
	    {DIGEST_INREPLYTO, "<n>"},
	    {DIGEST_REFERENCES, "<o> <p>"},
	};
	struct sbuf d = SBUF_INIT(10000), out = SBUF_INIT(10000);
	struct digest_numbers n;

	(void)state;
	make(&d, text, sizeof text - 1);
	for (size_t i = 0; i < COUNT(t); i++)
		assert_string_equal(get(&d, t[i].what, &out), t[i].want);
	assert_int_equal(digest_numbers(d.p, d.len, &n), 1);
	assert_int_equal(n.sent, 0);
	assert_int_equal(n.size, sizeof text - 1);
	assert_int_equal(n.wire, n.size + n.bare);
	assert_int_equal(n.bare, 15);
	assert_int_equal(n.parts, 1);
	assert_int_equal(n.has_nul, 0);
	make(&d, "Date: never\n", 12);
	assert_int_equal(digest_numbers(d.p, d.len, &n), 1);
	assert_true(n.sent == INT64_MIN);
	assert_string_equal(get(&d, DIGEST_TO, &out), "");
	sbuf_free(&d);
	sbuf_free(&out);
}

static void many(struct sbuf *b, const char *first, const char *each, size_t n)
{
	sbuf_clear(b);
	assert_int_equal(sbuf_cats(b, first), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(sbuf_cats(b, each), 0);
}

static size_t count(const struct sbuf *b, const char *what)
{
	size_t n = 0, len = strlen(what);

	for (size_t i = 0; i + len <= b->len; i++)
		n += memcmp(b->p + i, what, len) == 0;
	return n;
}

/* 500,000 addresses, in one field and in as many; what is over the cap is not shown. */
static void test_many_addresses(void **state)
{
	static const struct line t[] = {
	    {"one field", "To: a@b", ", a@b"},
	    {"a field each", "To: a@b\n", "To: a@b\n"},
	    {"commas", "To: a@b, ", ","},
	    {"broken", "To: a b", ", a@b@c"},
	    {"parentheses", "To: a@b", "(,"},
	    {"quotes", "To: a@b", "\",\\\""},
	    {"groups", "To: a@b", ", g:;"},
	    {"angles", "To: a@b", ",<"},
	    {"ats", "To: a", "@"},
	    {"dots", "To: a", "."},
	    {"long lines", "To: a@b", ",\n a@b"},
	};
	struct sbuf in = SBUF_INIT(SIZE_MAX / 2), d = SBUF_INIT(SIZE_MAX / 2),
		    out = SBUF_INIT(SIZE_MAX / 2);

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		many(&in, t[i].in, t[i].want, 500000);
		make(&d, in.p, in.len);
		get(&d, DIGEST_ENVELOPE, &out);
		/* The envelope itself begins like an address. */
		assert_in_range(count(&out, "(NIL NIL "), 0, MIME_ADDRESSES + 2);
		if (i < 2)
			assert_int_equal(count(&out, "(NIL NIL "), MIME_ADDRESSES + 1);
	}
	sbuf_free(&in);
	sbuf_free(&d);
	sbuf_free(&out);
}

static void test_many_parameters(void **state)
{
	struct sbuf in = SBUF_INIT(SIZE_MAX / 2), d = SBUF_INIT(SIZE_MAX / 2),
		    out = SBUF_INIT(SIZE_MAX / 2);

	(void)state;
	many(&in, "Content-Type: application/x", "; a=b", 100000);
	make(&d, in.p, in.len);
	get(&d, DIGEST_BODYSTRUCTURE, &out);
	assert_int_equal(count(&out, "\"a\" \"b\""), MIME_PARAMS);
	many(&in, "Content-Type: application/x; a*0=b", "; a*1=b", 100000);
	make(&d, in.p, in.len);
	get(&d, DIGEST_BODYSTRUCTURE, &out);
	assert_int_equal(count(&out, "\"a*1\" \"b\""), MIME_PARAMS - 1);
	many(&in, "Content-Language: a", ",a", 100000);
	make(&d, in.p, in.len);
	get(&d, DIGEST_BODYSTRUCTURE, &out);
	assert_int_equal(count(&out, "\"a\""), MIME_PARAMS);
	many(&in, "Subject: ", "0123456789 (\n \"\\", 1000000);
	make(&d, in.p, in.len);
	get(&d, DIGEST_ENVELOPE, &out);
	sbuf_free(&in);
	sbuf_free(&d);
	sbuf_free(&out);
}

static void test_parts(void **state)
{
	struct sbuf in = SBUF_INIT(SIZE_MAX / 2), d = SBUF_INIT(SIZE_MAX / 2),
		    out = SBUF_INIT(SIZE_MAX / 2);
	struct mime_part part[DIGEST_PARTS_MAX];
	struct digest_numbers n;

	(void)state;
	many(&in, "Content-Type: multipart/x; boundary=b\n\n", "--b\n\nx\n",
	     DIGEST_PARTS_MAX - 1);
	make(&d, in.p, in.len);
	assert_int_equal(digest_parts(d.p, d.len, part), DIGEST_PARTS_MAX);
	assert_int_equal(part[DIGEST_PARTS_MAX - 1].end, in.len);
	many(&in, "Content-Type: multipart/x; boundary=b\n\n", "--b\n\nx\n",
	     DIGEST_PARTS_MAX);
	make(&d, in.p, in.len);
	assert_int_equal(digest_parts(d.p, d.len, part), 0);
	assert_int_equal(digest_numbers(d.p, d.len, &n), 1);
	assert_int_equal(n.parts, 0);
	many(&in, "Content-Type: multipart/x; boundary=b\n\n", "--b\n\nx\n", 100000);
	make(&d, in.p, in.len);
	get(&d, DIGEST_BODYSTRUCTURE, &out);
	assert_int_equal(count(&out, PLAIN), MIME_PARTS - 1);
	many(&in, "", "Content-Type: message/rfc822\n\n", 1000);
	make(&d, in.p, in.len);
	get(&d, DIGEST_BODYSTRUCTURE, &out);
	assert_int_equal(count(&out, "rfc822"), MIME_DEPTH);
	sbuf_free(&in);
	sbuf_free(&d);
	sbuf_free(&out);
}

/* The cache may hold anything. */
static void test_damage(void **state)
{
	static const char text[] =
	    "Content-Type: multipart/x; boundary=b\n\n--b\n\nx\n--b--\n";
	struct sbuf d = SBUF_INIT(10000);
	struct mime_part part[DIGEST_PARTS_MAX];
	struct digest_numbers n;
	const char *p;
	size_t len;

	(void)state;
	make(&d, text, sizeof text - 1);
	for (size_t cut = 0; cut < d.len; cut++) {
		char *copy = exact(d.p, cut);

		for (int what = DIGEST_ENVELOPE; what <= DIGEST_PARTS; what++)
			if (digest_get(copy, cut, (enum digest_what)what, &p, &len))
				assert_true(p + len <= copy + cut);
		assert_int_equal(digest_parts(copy, cut, part), 0);
		free(copy);
	}
	d.p[0] ^= 1; /* another version */
	assert_int_equal(digest_get(d.p, d.len, DIGEST_ENVELOPE, &p, &len), 0);
	assert_int_equal(digest_numbers(d.p, d.len, &n), 0);
	d.p[0] ^= 1;
	assert_int_equal(digest_parts(d.p, d.len, part), 2);
	part[0].child = 7;
	memcpy(d.p + d.len - 2 * sizeof *part, part, sizeof *part);
	assert_int_equal(digest_parts(d.p, d.len, part), 0);
	sbuf_free(&d);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_envelope),       cmocka_unit_test(test_no_nul),
	    cmocka_unit_test(test_addresses),      cmocka_unit_test(test_structure),
	    cmocka_unit_test(test_body),           cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_many_addresses), cmocka_unit_test(test_many_parameters),
	    cmocka_unit_test(test_parts),          cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
