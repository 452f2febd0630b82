#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Before cmocka.h, which makes fail a macro. */
#include "../../qinject/complete.h"
#include "../../qinject/fail.h"

#include <cmocka.h>

#include "hdr822.h"

/* The environment gives all hosts, so that no control file is read. */
static void setup_env(void)
{
	static const char *const env[][2] = {
	    {"QMAILDEFAULTHOST", "host"},
	    {"QMAILDEFAULTDOMAIN", "dom.example"},
	    {"QMAILPLUSDOMAIN", "plus.example"},
	    {"QMAILIDHOST", "id.example"},
	    {"QMAILUSER", "joe"},
	};

	assert_int_equal(clearenv(), 0);
	for (size_t i = 0; i < sizeof env / sizeof env[0]; i++)
		assert_int_equal(setenv(env[i][0], env[i][1], 1), 0);
}

enum { T = WISH_HEADER_RCPTS };

struct complete_case {
	const char *name;
	unsigned flags;
	const char *sender;
	const char *in;
	const char *out;      /* without Date and Message-ID; NULL: refused */
	const char *envelope; /* sender and recipients, each with a | */
};

#define FROM "From: joe@host.dom.example\n"
#define JOE  "joe@host.dom.example|"

static const struct complete_case cases[] = {
    {"nothing", T, NULL, "", FROM "Cc: recipient list not shown: ;\n", JOE},
    {"bare name", T, NULL, "To: a\n", FROM "To: a@host.dom.example\n",
     JOE "a@host.dom.example|"},
    {"bare host", T, NULL, "To: a@b\n", FROM "To: a@b.dom.example\n",
     JOE "a@b.dom.example|"},
    {"plus", T, NULL, "To: a@b+, c@d.e+\n",
     FROM "To: a@b.plus.example, c@d.e.plus.example\n",
     JOE "a@b.plus.example|c@d.e.plus.example|"},
    {"full", T, NULL, "To: A B <a@b.c> (x)\n", FROM "To: A B <a@b.c> (x)\n",
     JOE "a@b.c|"},
    {"literal", T, NULL, "To: a@[127.0.0.1]\n", FROM "To: a@[127.0.0.1]\n",
     JOE "a@[127.0.0.1]|"},
    {"comments and folding stay", T, NULL, "Cc: (one) a (two),\n\tB <b (three)>\n",
     FROM "Cc: (one) a@host.dom.example (two),\n\tB <b@host.dom.example (three)>\n",
     JOE "a@host.dom.example|b@host.dom.example|"},
    {"quoted", T, NULL, "To: \"a b\"\n", FROM "To: \"a b\"@host.dom.example\n",
     JOE "a b@host.dom.example|"},
    {"group", T, NULL, "To: g: a@b.c, d@e.f;\n", FROM "To: g: a@b.c, d@e.f;\n",
     JOE "a@b.c|d@e.f|"},
    {"duplicates", T, NULL, "To: a@b.c, a@b.c\nCc: a@b.c\n",
     FROM "To: a@b.c, a@b.c\nCc: a@b.c\n", JOE "a@b.c|"},
    {"Bcc goes", T, NULL, "Bcc: a@b.c\nTo: d@e.f\n", FROM "To: d@e.f\n",
     JOE "a@b.c|d@e.f|"},
    {"Bcc folded", T, NULL, "To: d@e.f\nBcc: a@b.c,\n\tg@h.i,\n\n", FROM "To: d@e.f\n",
     JOE "d@e.f|a@b.c|g@h.i|"},
    {"Bcc alone", T, NULL, "bcc : a@b.c\n", FROM, JOE "a@b.c|"},
    {"Bcc goes with arguments", 0, NULL, "Bcc: a@b.c\n", FROM, JOE},
    {"Apparently-To", T, NULL, "Apparently-To: a@b.c\n", FROM "Apparently-To: a@b.c\n",
     JOE "a@b.c|"},
    {"not from the header", 0, NULL, "To: a\n", FROM "To: a@host.dom.example\n", JOE},
    {"other fields stay", 0, NULL, "X: to: b\nTo: a@b.c\nReceived: x\n y\n",
     FROM "X: to: b\nTo: a@b.c\nReceived: x\n y\n", JOE},
    {"From stays", 0, NULL, "From: a\nTo: b@c.d\n",
     "From: a@host.dom.example\nTo: b@c.d\n", JOE},
    {"Content-Length goes", 0, NULL, "Content-Length: 3\nTo: a@b.c\n", FROM "To: a@b.c\n",
     JOE},
    {"Return-Path", 0, NULL, "Return-Path: <a>\nTo: b@c.d\n", FROM "To: b@c.d\n",
     "a@host.dom.example|"},
    {"Return-Path, null", 0, NULL, "Return-Path: <>\nTo: b@c.d\n", FROM "To: b@c.d\n",
     "|"},
    {"Return-Path against -f", 0, "x@y.z", "Return-Path: <a>\nTo: b@c.d\n",
     FROM "To: b@c.d\n", "x@y.z|"},
    {"Return-Path, s", WISH_NO_RETURN_PATH, NULL, "Return-Path: <a>\nTo: b@c.d\n",
     FROM "To: b@c.d\n", JOE},
    {"Return-Path, wrong", 0, NULL, "Return-Path: a b\nTo: b@c.d\n", NULL, NULL},
    {"Return-Path, wrong, with -f", 0, "", "Return-Path: a b\nTo: b@c.d\n",
     FROM "To: b@c.d\n", "|"},
    {"null sender", 0, "", "To: b@c.d\n", FROM "To: b@c.d\n", "|"},
    {"-f is the author", WISH_AUTHOR_FROM_SENDER, "x@y.z", "To: b@c.d\n",
     "From: x@y.z\nTo: b@c.d\n", "x@y.z|"},
    {"null sender is no author", WISH_AUTHOR_FROM_SENDER, "", "To: b@c.d\n",
     FROM "To: b@c.d\n", "|"},
    {"f", WISH_NO_FROM, NULL, "From: a@b.c\nTo: b@c.d\n", FROM "To: b@c.d\n", JOE},
    {"r", WISH_VERP, NULL, "To: b@c.d\n", FROM "To: b@c.d\n",
     "joe-@host.dom.example-@[]|"},
    {"a wrong list nobody needs", 0, NULL, "To: John Public\n", FROM "To: John Public\n",
     JOE},
    {"a wrong list", T, NULL, "To: John Public\n", NULL, NULL},
    {"a wrong list beside a good one", T, NULL, "To: a@b.c\nCc: John Public\n", NULL,
     NULL},
    {"a wrong Reply-To", T, NULL, "To: a@b.c\nReply-To: a b\n",
     FROM "To: a@b.c\nReply-To: a b\n", JOE "a@b.c|"},
    {"a control in an address", T, NULL, "To: \"a\tb\"@c.d\n", NULL, NULL},
    {"resent", T, NULL,
     "Resent-To: a@b.c\nResent-Cc: d\nResent-Bcc: g@h.i\nFrom: x@y.z\nTo: o@p.q\n",
     "Resent-From: joe@host.dom.example\nResent-To: a@b.c\n"
     "Resent-Cc: d@host.dom.example\nFrom: x@y.z\nTo: o@p.q\n",
     JOE "a@b.c|d@host.dom.example|g@h.i|"},
    {"resent, no recipients", T, NULL, "Resent-From: a@b.c\nTo: o@p.q\n",
     "Resent-Cc: recipient list not shown: ;\nResent-From: a@b.c\nTo: o@p.q\n", JOE},
    {"resent, sender", T, NULL, "Resent-Sender: a@b.c\nResent-To: d@e.f\n",
     "Resent-Sender: a@b.c\nResent-To: d@e.f\n", JOE "d@e.f|"},
    {"resent twice", T, NULL,
     "Resent-From: new@a.b\nResent-To: new@b.c\nResent-From: old@a.b\n"
     "Resent-To: old@b.c\nResent-Bcc: old@c.d\nTo: o@p.q\n",
     "Resent-From: new@a.b\nResent-To: new@b.c\nResent-From: old@a.b\n"
     "Resent-To: old@b.c\nTo: o@p.q\n",
     JOE "new@b.c|"},
    {"resent, apart", T, NULL,
     "Resent-To: new@b.c\nReceived: x\nResent-To: old@b.c\nTo: o@p.q\n",
     "Resent-From: joe@host.dom.example\nResent-To: new@b.c\nReceived: x\n"
     "Resent-To: old@b.c\nTo: o@p.q\n",
     JOE "new@b.c|"},
};

/* The header without those fields that are never the same. */
static void stable(const struct sbuf *header, struct sbuf *out, int *date, int *id)
{
	struct hdr822 h;

	assert_int_equal(hdr822_parse(&h, header->p, header->len), 0);
	assert_int_equal(h.len, header->len);
	for (size_t i = 0; i < h.n; i++) {
		const struct hdr822_field *f = &h.field[i];

		if (hdr822_is(&h, f, "Date") || hdr822_is(&h, f, "Resent-Date"))
			(*date)++;
		else if (hdr822_is(&h, f, "Message-ID") ||
			 hdr822_is(&h, f, "Resent-Message-ID"))
			(*id)++;
		else
			assert_int_equal(sbuf_cat(out, h.p + f->start, f->end - f->start),
					 0);
	}
	hdr822_free(&h);
}

static void envelope(const struct completed *c, const struct rcpts *r, struct sbuf *out)
{
	assert_int_equal(sbuf_catf(out, "%s|", c->sender), 0);
	for (size_t at = 0; at < r->fields.len; at += strlen(r->fields.p + at) + 1) {
		assert_int_equal(r->fields.p[at], 'T');
		assert_int_equal(sbuf_catf(out, "%s|", r->fields.p + at + 1), 0);
	}
}

static void run_case(const struct complete_case *c)
{
	static struct rcpts rcpts;
	struct sbuf in = SBUF_INIT(100000);
	struct sbuf out = SBUF_INIT(100000);
	struct sbuf env = SBUF_INIT(100000);
	struct wish w = {c->flags, c->sender, NULL};
	struct completed done;
	int date = 0;
	int id = 0;
	int r;

	rcpts_init(&rcpts);
	memset(rcpts.slot, 0, sizeof rcpts.slot);
	assert_int_equal(sbuf_cats(&in, c->in), 0);
	r = complete(&w, &in, &done, &rcpts);
	if (r == 0) {
		stable(&done.header, &out, &date, &id);
		envelope(&done, &rcpts, &env);
	}
	if (c->out == NULL ? r == 0
			   : r == -1 || date != 1 || id != 1 ||
				 strcmp(sbuf_str(&out), c->out) != 0 ||
				 strcmp(sbuf_str(&env), c->envelope) != 0)
		fail_msg("%s: %s\n%s\n%s", c->name, r == 0 ? "" : fail_text(),
			 sbuf_str(&out), sbuf_str(&env));
	sbuf_free(&done.header);
	rcpts_free(&rcpts);
	sbuf_free(&in);
	sbuf_free(&out);
	sbuf_free(&env);
}

static void test_complete(void **state)
{
	(void)state;
	setup_env();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		run_case(&cases[i]);
}

struct author_case {
	const char *env;
	const char *value;
	unsigned flags;
	const char *name; /* -F */
	const char *from;
	const char *sender;
};

#define HOST "@host.dom.example"

static const struct author_case authors[] = {
    {"QMAILNAME", "Joe Public", 0, NULL, "From: Joe Public <joe" HOST ">\n", "joe" HOST},
    {"MAILNAME", "Joe Q. Public", 0, NULL, "From: \"Joe Q. Public\" <joe" HOST ">\n",
     "joe" HOST},
    {"NAME", "a\"b\\c", 0, NULL, "From: \"a\\\"b\\\\c\" <joe" HOST ">\n", "joe" HOST},
    {"NAME", "a(b", WISH_COMMENT_STYLE, NULL, "From: joe" HOST " (a\\(b)\n", "joe" HOST},
    {"NAME", "x", 0, "CronDaemon", "From: CronDaemon <joe" HOST ">\n", "joe" HOST},
    {"QMAILUSER", "a b", 0, NULL, "From: \"a b\"" HOST "\n", "a b" HOST},
    {"QMAILHOST", "h+", 0, NULL, "From: joe@h.plus.example\n", "joe@h.plus.example"},
    {"MAILHOST", "h.i", 0, NULL, "From: joe@h.i\n", "joe@h.i"},
    {"QMAILSUSER", "s", 0, NULL, "From: joe" HOST "\n", "s" HOST},
    {"QMAILSHOST", "s.t", 0, NULL, "From: joe" HOST "\n", "joe@s.t"},
    {"NAME", "a\nBcc: x", 0, NULL, NULL, NULL},
    {"QMAILUSER", "a\nb", 0, NULL, NULL, NULL},
    {"QMAILHOST", "a\nb", 0, NULL, NULL, NULL},
    {"QMAILHOST", "a b", 0, NULL, NULL, NULL},
    {"QMAILSUSER", "a\rb", 0, NULL, NULL, NULL},
};

static void run_author(const struct author_case *c)
{
	static struct rcpts rcpts;
	struct sbuf in = SBUF_INIT(1000);
	struct wish w = {c->flags, NULL, c->name};
	struct completed done;
	int r;

	setup_env();
	assert_int_equal(setenv(c->env, c->value, 1), 0);
	assert_int_equal(sbuf_cats(&in, "To: a@b.c\n"), 0);
	r = complete(&w, &in, &done, &rcpts);
	assert_int_equal(r, c->from != NULL ? 0 : -1);
	if (r == 0 && (strstr(sbuf_str(&done.header), c->from) == NULL ||
		       strcmp(done.sender, c->sender) != 0))
		fail_msg("%s=%s: %s", c->env, c->value, sbuf_str(&done.header));
	sbuf_free(&done.header);
	sbuf_free(&in);
}

static void test_author(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof authors / sizeof authors[0]; i++)
		run_author(&authors[i]);
}

static void test_limit(void **state)
{
	static struct rcpts rcpts;
	char address[32];

	(void)state;
	rcpts_init(&rcpts);
	for (int i = 0; i < LIMIT_RECIPIENTS; i++) {
		(void)snprintf(address, sizeof address, "u%d@x.example", i);
		assert_int_equal(rcpts_add(&rcpts, address), 0);
	}
	assert_int_equal(rcpts_add(&rcpts, "u17@x.example"), 0);
	assert_int_equal(rcpts.n, LIMIT_RECIPIENTS);
	assert_int_equal(rcpts_add(&rcpts, "one@more"), -1);
	rcpts_free(&rcpts);
}

static void test_followup(void **state)
{
	static struct rcpts rcpts;
	char name[] = "/tmp/quoin-test.XXXXXX";
	struct wish w = {0, NULL, NULL};
	struct sbuf in = SBUF_INIT(1000);
	struct completed done;
	int fd = mkstemp(name);

	(void)state;
	setup_env();
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, "LIST@a.example\n", 15), 15);
	assert_int_equal(close(fd), 0);
	assert_int_equal(setenv("QMAILMFTFILE", name, 1), 0);
	assert_int_equal(sbuf_cats(&in, "To: list@a.example\nCc: b\n"), 0);
	assert_int_equal(complete(&w, &in, &done, &rcpts), 0);
	assert_non_null(strstr(sbuf_str(&done.header),
			       "Mail-Followup-To: list@a.example,\n  b" HOST "\n"));
	sbuf_free(&done.header);
	sbuf_clear(&in);
	assert_int_equal(sbuf_cats(&in, "To: b@c.d\n"), 0);
	assert_int_equal(complete(&w, &in, &done, &rcpts), 0);
	assert_null(strstr(sbuf_str(&done.header), "Followup"));
	sbuf_free(&done.header);
	sbuf_free(&in);
	assert_int_equal(unlink(name), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_complete),
	    cmocka_unit_test(test_author),
	    cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_followup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
