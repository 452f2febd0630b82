/* What qsmtpd does for submission: the answers of AUTH, whose senders, the header. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "exact.h"

#include "../../qsmtpd/complete.h"
#include "../../qsmtpd/config.h"
#include "../../qsmtpd/received.h"
#include "../../qsmtpd/senders.h"
#include "base64.h"
#include "ctlmap.h"
#include "paths.h"
#include "sasl.h"
#include "sbuf.h"

/* ---- PLAIN and LOGIN ---- */

#define A10  "aaaaaaaaaa"
#define A50  A10 A10 A10 A10 A10
#define A250 A50 A50 A50 A50 A50
#define A255 A250 "aaaaa"

static const struct plain_case {
	const char *name;
	const char *message; /* NUL is written | */
	enum sasl_result want;
	const char *user, *password;
} plain_cases[] = {
    {"usual", "|joe|secret", SASL_OK, "joe", "secret"},
    {"as oneself", "joe|joe|secret", SASL_OK, "joe", "secret"},
    {"as oneself, another case", "Joe|joe|secret", SASL_OK, "joe", "secret"},
    {"as another", "ann|joe|secret", SASL_WRONG, NULL, NULL},
    {"an address", "|joe@q.example|a b:c", SASL_OK, "joe@q.example", "a b:c"},
    {"8-bit", "|j\xc3\xb6|p\xc3\xa4ss", SASL_OK, "j\xc3\xb6", "p\xc3\xa4ss"},
    {"empty", "", SASL_GARBLED, NULL, NULL},
    {"one part", "joe", SASL_GARBLED, NULL, NULL},
    {"two parts", "joe|secret", SASL_GARBLED, NULL, NULL},
    {"four parts", "|joe|secret|", SASL_GARBLED, NULL, NULL},
    {"NUL in the password", "|joe|sec|ret", SASL_GARBLED, NULL, NULL},
    {"no user", "||secret", SASL_WRONG, NULL, NULL},
    {"no password", "|joe|", SASL_WRONG, NULL, NULL},
    {"nothing but NULs", "||", SASL_WRONG, NULL, NULL},
    {"longest name", "|" A255 "|x", SASL_OK, A255, "x"},
    {"too long a name", "|" A255 "a|x", SASL_WRONG, NULL, NULL},
    {"longest password", "|x|" A250 A250 A250 A250 A10 A10 "aaaa", SASL_OK, "x",
     A250 A250 A250 A250 A10 A10 "aaaa"},
    {"too long a password", "|x|" A250 A250 A250 A250 A10 A10 "aaaaa", SASL_WRONG, NULL,
     NULL},
    {"far too long", "|x|" A250 A250 A250 A250 A250 A250 A250, SASL_GARBLED, NULL, NULL},
};

/* The message with its NULs, in base64, in a block of its exact size. */
static char *code(const char *message, size_t *n)
{
	size_t len = strlen(message);
	char *bytes = exact(message, len);
	char *text = malloc(BASE64_LEN(len) + 1);
	char *coded;

	for (size_t i = 0; i < len; i++)
		if (bytes[i] == '|')
			bytes[i] = '\0';
	assert_int_equal(base64_put(bytes, len, text, BASE64_LEN(len) + 1), 0);
	*n = strlen(text);
	coded = exact(text, *n);
	free(text);
	free(bytes);
	return coded;
}

static void plain(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(plain_cases); i++) {
		const struct plain_case *c = &plain_cases[i];
		struct sasl s;
		size_t n;
		char *text = code(c->message, &n);
		enum sasl_result r = sasl_plain(&s, text, n);

		if (r != c->want)
			fail_msg("%s: %d", c->name, r);
		if (r == SASL_OK) {
			assert_string_equal(s.user, c->user);
			assert_string_equal(s.password, c->password);
		}
		sasl_wipe(&s);
		assert_int_equal(s.password[0], '\0');
		free(text);
	}
}

static void login(void **state)
{
	static const struct {
		const char *text;
		enum sasl_result user, password;
	} cases[] = {
	    {"am9l", SASL_OK, SASL_OK},
	    {"am9lAA==", SASL_GARBLED, SASL_GARBLED}, /* a NUL */
	    {"", SASL_WRONG, SASL_WRONG},
	    {"=", SASL_WRONG, SASL_WRONG},
	    {"am9", SASL_GARBLED, SASL_GARBLED},
	    {"am9l=", SASL_GARBLED, SASL_GARBLED},
	    {"joe!", SASL_GARBLED, SASL_GARBLED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = strlen(cases[i].text);
		char *text = exact(cases[i].text, n);
		struct sasl s;

		assert_int_equal(sasl_user(&s, text, n), cases[i].user);
		assert_int_equal(sasl_password(&s, text, n), cases[i].password);
		if (cases[i].user == SASL_OK)
			assert_string_equal(s.user, "joe");
		free(text);
	}
}

/* ---- whose senders ---- */

static char home[] = "/tmp/test_msa.XXXXXX";

static void write_control(const char *name, const char *text)
{
	char path[LIMIT_PATH];
	FILE *f;

	assert_non_null(path_join(path, sizeof path, paths.control, name));
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void remove_control(const char *name)
{
	char path[LIMIT_PATH];

	(void)unlink(path_join(path, sizeof path, paths.control, name));
}

static void put_senders(const char *const *lines)
{
	char path[LIMIT_PATH];
	struct table_writer *w =
	    table_create(path_join(path, sizeof path, paths.control, "senders.cdb"));

	assert_non_null(w);
	for (; *lines != NULL; lines += 2)
		assert_int_equal(
		    table_put(w, lines[0], strlen(lines[0]), lines[1], strlen(lines[1])),
		    0);
	assert_int_equal(table_commit(w), 0);
}

static const struct {
	const char *login, *sender;
	int want;
} sender_cases[] = {
    {"joe", "", 1}, /* a note of delivery */
    {"joe", "joe@q.example", 1},
    {"joe", "JOE@Q.Example", 1},
    {"joe", "joe@q.example.", 1},
    {"joe", "joe@other.example", 1}, /* control/locals */
    {"joe", "joe@far.example", 0},
    {"joe", "ann@q.example", 0},
    {"joe", "joe-x@q.example", 0},
    {"joe", "xjoe@q.example", 0},
    {"joe", "jo@q.example", 0},
    {"joe", "joe", 1},
    {"joe", "joe@q.example@q.example", 0},
    {"joe@v.example", "joe@v.example", 1},
    {"joe@v.example", "Joe@V.Example", 1},
    {"joe@v.example", "ann@v.example", 0},
    {"joe@v.example", "joe@q.example", 0},
    {"joe@v.example", "joe", 0},
    {"ann", "sales@far.example", 1},
    {"ann", "SALES@far.example", 1},
    {"ann", "x@ann.example", 1},
    {"ann", "x@y.ann.example", 0},
    {"ann", "x@xann.example", 0},
    {"ann", "sale@far.example", 0},
    {"ann", "sales@far.example.org", 0},
    {"ann", "last@far.example", 1},
    {"ann", "ann@q.example", 1},
    {"ann", "*", 0},
    {"root", "who@ever.example", 1},
    {"none", "x@far.example", 0},
    {"none", "none@q.example", 1},
};

static void senders(void **state)
{
	static const char *const lines[] = {
	    "ann",  "sales@far.example,@ann.example \t last@far.example",
	    "root", "*",
	    "none", "",
	    NULL};
	static struct config c = {.submission = 1};
	char own[LIMIT_ADDRESS + 1];

	(void)state;
	write_control("me", "q.example\n");
	write_control("locals", "q.example\nother.example\n");
	put_senders(lines);
	assert_int_equal(config_load(&c), 0);
	for (size_t i = 0; i < COUNT(sender_cases); i++) {
		char *sender =
		    exact(sender_cases[i].sender, strlen(sender_cases[i].sender) + 1);

		if (senders_may(&c, sender_cases[i].login, sender) !=
		    sender_cases[i].want)
			fail_msg("%s as %s", sender_cases[i].login, sender);
		free(sender);
	}
	senders_own(&c, "joe", own);
	assert_string_equal(own, "joe@q.example");
	senders_own(&c, "joe@v.example", own);
	assert_string_equal(own, "joe@v.example");
	table_close(&c.senders);
}

/* ---- the header ---- */

#define DATE "Date: Thu, 1 Jan 1970 00:00:00 +0000\n"
#define ID   "Message-ID: <ID@q.example>\n"
#define FROM "From: <joe@q.example>\n"
#define ALL  DATE ID FROM

static const struct {
	const char *name, *in, *out;
} headers[] = {
    {"nothing", "", ALL},
    {"no header", "\nhello\n", ALL "\nhello\n"},
    {"all there", "Date: x\nMessage-ID: y\nFrom: z\n\nb\n",
     "Date: x\nMessage-ID: y\nFrom: z\n\nb\n"},
    {"any case", "DATE: x\nmessage-id: y\nfrom: z\n\nb\n",
     "DATE: x\nmessage-id: y\nfrom: z\n\nb\n"},
    {"none there", "Subject: x\n\nb\n", "Subject: x\n" ALL "\nb\n"},
    {"no Date", "From: a\nMessage-ID: b\n\n", "From: a\nMessage-ID: b\n" DATE "\n"},
    {"no From", "Date: a\nMessage-ID: b\n\n", "Date: a\nMessage-ID: b\n" FROM "\n"},
    {"no body", "From: a\n", "From: a\n" DATE ID},
    {"no line end", "From: a", "From: a" DATE ID}, /* does not come from SMTP */
    {"folded", "Subject: x\n Date: folded\n\tFrom: too\n\n",
     "Subject: x\n Date: folded\n\tFrom: too\n" ALL "\n"},
    {"in the body", "Subject: x\n\nDate: x\nFrom: y\n",
     "Subject: x\n" ALL "\nDate: x\nFrom: y\n"},
    {"blank before the colon", "Date : x\nFrom\t : y\n\n",
     "Date : x\nFrom\t : y\n" ID "\n"},
    {"similar names", "X-Date: x\nDates: y\nFro: z\nMessage-IDs: 1\n\n",
     "X-Date: x\nDates: y\nFro: z\nMessage-IDs: 1\n" ALL "\n"},
    {"resent", "Resent-Date: x\nResent-From: y\n\n",
     "Resent-Date: x\nResent-From: y\n" ALL "\n"},
    {"no field", "From: a\nhello there\nDate: x\n",
     "From: a\n" DATE ID "\nhello there\nDate: x\n"},
    {"no field at all", "hello\n", ALL "\nhello\n"},
    {"a blank first", " hello\n", ALL "\n hello\n"},
    {"a colon first", ": hello\n", ALL "\n: hello\n"},
    {"mbox", "From joe Sat Nov 21\nTo: x\n\n", ALL "\nFrom joe Sat Nov 21\nTo: x\n\n"},
    {"8-bit name", "S\xc3\xbc: x\n\n", ALL "\nS\xc3\xbc: x\n\n"},
    {"empty value", "Date:\nFrom:\n\n", "Date:\nFrom:\n" ID "\n"},
    {"a name to the end", "Date", ALL "\nDate"},
    {"a name, blanks, the end", "Date  \n", ALL "\nDate  \n"},
};

static void collect(void *arg, const char *p, size_t n)
{
	assert_int_equal(sbuf_cat(arg, p, n), 0);
}

static void start(struct complete *c, struct sbuf *out)
{
	*c = (struct complete){.sink = collect,
			       .arg = out,
			       .id = "ID",
			       .idhost = "q.example",
			       .from = "joe@q.example"};
	complete_init(c);
}

static void completes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(headers); i++)
		for (size_t step = 1; step < 30; step++) {
			struct sbuf out = SBUF_INIT(1000);
			size_t n = strlen(headers[i].in);
			struct complete c;

			start(&c, &out);
			for (size_t at = 0; at < n; at += step) {
				size_t len = n - at < step ? n - at : step;
				char *piece = exact(headers[i].in + at, len);

				complete_add(&c, piece, len);
				free(piece);
			}
			complete_end(&c);
			if (strcmp(sbuf_str(&out), headers[i].out) != 0)
				fail_msg("%s in pieces of %zu: %s", headers[i].name, step,
					 sbuf_str(&out));
			sbuf_free(&out);
		}
}

/* A name that no line can hold is none; one that just can is. */
static void long_names(void **state)
{
	(void)state;
	for (size_t n = LIMIT_FIELDNAME - 2; n < LIMIT_FIELDNAME + 3; n++) {
		struct sbuf out = SBUF_INIT(5000);
		struct complete c;

		start(&c, &out);
		for (size_t i = 0; i < n; i++)
			complete_add(&c, "x", 1);
		complete_add(&c, ": y\n\nbody\n", 10);
		complete_end(&c);
		assert_int_equal(out.p[0] == 'x', n <= LIMIT_FIELDNAME);
		assert_non_null(strstr(sbuf_str(&out), "body\n"));
		sbuf_free(&out);
	}
}

static void quotes_the_author(void **state)
{
	struct sbuf out = SBUF_INIT(1000);
	struct complete c;

	(void)state;
	start(&c, &out);
	c.from = "a b@q.example";
	complete_end(&c);
	assert_non_null(strstr(sbuf_str(&out), "From: <\"a b\"@q.example>\n"));
	sbuf_clear(&out);
	start(&c, &out);
	c.from = "";
	complete_end(&c);
	assert_string_equal(sbuf_str(&out), DATE ID);
	sbuf_free(&out);
}

/* ---- Received ---- */

static void makes_received(void **state)
{
	struct sbuf b = SBUF_INIT(4096);
	struct received r = {.helo = "x",
			     .host = "h",
			     .ip = "192.0.2.7",
			     .by = "q.example",
			     .with = "ESMTPSA",
			     .tls = "TLSv1.3",
			     .cipher = "TLS_AES_256_GCM_SHA384",
			     .id = "ID"};

	(void)state;
	assert_int_equal(received_make(&b, &r), 0);
	assert_string_equal(
	    sbuf_str(&b), "Received: from x (h [192.0.2.7])\n"
			  "  by q.example with ESMTPSA (TLSv1.3 TLS_AES_256_GCM_SHA384)\n"
			  "  id ID;\n"
			  "  Thu, 1 Jan 1970 00:00:00 +0000\n");
	sbuf_clear(&b);
	r.hidden = 1;
	r.rcpt = "a@b.example";
	assert_int_equal(received_make(&b, &r), 0);
	assert_string_equal(
	    sbuf_str(&b),
	    "Received: by q.example with ESMTPSA (TLSv1.3 TLS_AES_256_GCM_SHA384)\n"
	    "  id ID\n"
	    "  for <a@b.example>;\n"
	    "  Thu, 1 Jan 1970 00:00:00 +0000\n");
	sbuf_free(&b);
}

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(home) == NULL || paths_under(home) == -1 ||
	    mkdir(paths.control, 0700) == -1)
		return -1;
	return setenv("TZ", "UTC0", 1);
}

static int teardown(void **state)
{
	(void)state;
	remove_control("me");
	remove_control("locals");
	remove_control("senders.cdb");
	remove_control("senders.cdb.tmp");
	(void)rmdir(paths.control);
	return rmdir(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain),          cmocka_unit_test(login),
	    cmocka_unit_test(senders),        cmocka_unit_test(completes),
	    cmocka_unit_test(long_names),     cmocka_unit_test(quotes_the_author),
	    cmocka_unit_test(makes_received),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
