#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../qlocal/head.h"
#include "../../qlocal/mbox.h"
#include "sbuf.h"

static int into(void *arg, const void *p, size_t n)
{
	return sbuf_cat(arg, p, n);
}

struct head_case {
	const char *name;
	const char *in;
	const char *out;
	int loops;
};

static const struct head_case cases[] = {
    {"empty", "", "", 0},
    {"plain", "A: b\n\nbody\n", "A: b\n\nbody\n", 0},
    {"no body", "A: b\n", "A: b\n", 0},
    {"no line end", "A: b", "A: b", 0},
    {"body only", "\nReturn-Path: x\n", "\nReturn-Path: x\n", 0},
    {"forged", "Return-Path: <x@y>\nA: b\n\n", "A: b\n\n", 0},
    {"forged, folded", "A: b\nreturn-path:\n <x>\n\ty\nC: d\n\n", "A: b\nC: d\n\n", 0},
    {"forged, old syntax", "RETURN-PATH \t: x\n\n", "\n", 0},
    {"two", "Return-Path: 1\nA: b\nReturn-Path: 2\n\nz", "A: b\n\nz", 0},
    {"not quite", "Return-Paths: x\nX-Return-Path: y\nReturn-Path\n\n",
     "Return-Paths: x\nX-Return-Path: y\nReturn-Path\n\n", 0},
    {"kept in the body", "A: b\n\nReturn-Path: x\n", "A: b\n\nReturn-Path: x\n", 0},
    {"last line, no end", "A: b\nReturn-Path: x", "A: b\n", 0},
    {"loop", "Delivered-To: me@x\n\n", "Delivered-To: me@x\n\n", 1},
    {"loop, case", "delivered-to:ME@X \n\n", "delivered-to:ME@X \n\n", 1},
    {"loop, no line end", "Delivered-To: me@x", "Delivered-To: me@x", 1},
    {"somebody else", "Delivered-To: me@x.y\nDelivered-To: e@x\n\n",
     "Delivered-To: me@x.y\nDelivered-To: e@x\n\n", 0},
    {"loop in the body only", "A: b\n\nDelivered-To: me@x\n",
     "A: b\n\nDelivered-To: me@x\n", 0},
};

/* In pieces of every size, copied to exact blocks. */
static void feed(const char *in, size_t n, size_t piece, struct sbuf *out, int *loops)
{
	struct head h;

	head_init(&h, "me@x");
	for (size_t at = 0; at < n; at += piece) {
		size_t len = n - at < piece ? n - at : piece;
		char *block = malloc(len);

		assert_non_null(block);
		memcpy(block, in + at, len);
		assert_int_equal(head_take(&h, block, len, into, out), 0);
		free(block);
	}
	assert_int_equal(head_end(&h, into, out), 0);
	*loops = h.loops;
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t n = strlen(cases[i].in);

		for (size_t piece = 1; piece <= n + 1; piece++) {
			struct sbuf out = SBUF_INIT(1024);
			int loops;

			feed(cases[i].in, n, piece, &out, &loops);
			if (strcmp(sbuf_str(&out), cases[i].out) != 0 ||
			    loops != cases[i].loops)
				fail_msg("%s in pieces of %zu: %s", cases[i].name, piece,
					 sbuf_str(&out));
			sbuf_free(&out);
		}
	}
}

/* Lines around the limit, kept and dropped, in pieces. */
static void test_long(void **state)
{
	(void)state;
	for (size_t n = LIMIT_HEADLINE - 20; n < LIMIT_HEADLINE + 3; n++) {
		char in[2 * LIMIT_HEADLINE];
		struct sbuf out = SBUF_INIT(4 * LIMIT_HEADLINE);
		size_t len;
		int loops;

		len = (size_t)snprintf(in, sizeof in, "Return-Path: %0*d\nB: c\n\n",
				       (int)n, 7);
		feed(in, len, 100, &out, &loops);
		assert_string_equal(sbuf_str(&out), "B: c\n\n");
		sbuf_clear(&out);
		len = (size_t)snprintf(in, sizeof in, "Subject: %0*d\nReturn-Path: x\n\n",
				       (int)n, 7);
		feed(in, len, 64, &out, &loops);
		assert_int_equal(out.len, len - sizeof "Return-Path: x\n" + 1);
		sbuf_free(&out);
	}
}

struct quote_case {
	const char *in;
	const char *out;
};

static const struct quote_case quotes[] = {
    {"a\n", "a\n\n"},
    {"a", "a\n\n"},
    {"", "\n"},
    {"From x\n", ">From x\n\n"},
    {">From x\n", ">>From x\n\n"},
    {">>>From x\n", ">>>>From x\n\n"},
    {"From", "From\n\n"},
    {"From\n", "From\n\n"},
    {"Fro>m\nF\n\nFF\n", "Fro>m\nF\n\nFF\n\n"},
    {" From x\nxFrom y\n", " From x\nxFrom y\n\n"},
    {">\n>>\n>F\n", ">\n>>\n>F\n\n"},
    {"F>From x\n", "F>From x\n\n"},
    {">>", ">>\n\n"},
    {"\n\nFrom ", "\n\n>From \n\n"},
    {"from x\n", "from x\n\n"},
};

static void quote(const struct quote_case *c, size_t piece)
{
	static struct wbuf w;
	struct mbox_out o;
	size_t n = strlen(c->in);

	wbuf_init(&w, -1); /* nothing is written before the buffer is full */
	mbox_out_init(&o, &w);
	for (size_t at = 0; at < n; at += piece)
		assert_int_equal(
		    mbox_out_put(&o, c->in + at, n - at < piece ? n - at : piece), 0);
	assert_int_equal(mbox_out_end(&o), 0);
	w.buf[w.n] = '\0';
	assert_string_equal(w.buf, c->out);
}

static void test_quotes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++)
		for (size_t piece = 1; piece < 8; piece++)
			quote(&quotes[i], piece);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_long),
	    cmocka_unit_test(test_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
