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

#include "../../qsend/bounce.h"
#include "../../qsend/dsn.h"
#include "../../qsend/status.h"
#include "qlimits.h"
#include "sbuf.h"

static const struct {
	const char *text;
	const char *code; /* NULL: none */
	int no_network;
} statuses[] = {
    {"5.1.1 nobody", "5.1.1", 0},
    {"550 5.1.1 nobody", "5.1.1", 0},
    {"550-5.7.26 no", "5.7.26", 0},
    {"mx.test [192.0.2.1] said: 550 5.1.1 nobody", "5.1.1", 0},
    {"mx.test [192.0.2.1] said: 450 wait (#4.4.3)", NULL, 0},
    {"Sorry, no mailbox here by that name. (#5.1.1)", "5.1.1", 0},
    {"a #x (#4.4.3) no resolver", "4.4.3", 1},
    {"4.4.4 unable to route", "4.4.4", 1},
    {"2.0.0 ok", "2.0.0", 0},
    {"", NULL, 0},
    {"5.1", NULL, 0},
    {"5.1.", NULL, 0},
    {"5.1.1234 x", NULL, 0},
    {"5.1234.1 x", NULL, 0},
    {"3.1.1 x", NULL, 0},
    {"550 nobody", NULL, 0},
    {"192.0.2.1 does not like me", NULL, 0},
    {"connected to 5.1.1.1", NULL, 0},
    {"#", NULL, 0},
};

static void finds_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
		char code[STATUS_SIZE] = "";
		char *text = strdup(statuses[i].text);
		int found = status_find(text, code);

		if (found != (statuses[i].code != NULL) ||
		    (found && strcmp(code, statuses[i].code) != 0))
			fail_msg("%s: %s", text, code);
		assert_int_equal(status_no_network(text), statuses[i].no_network);
		free(text);
	}
}

static int collect(void *arg, const char *p, size_t n)
{
	return sbuf_cat(arg, p, n);
}

static struct dsn example(void)
{
	static const struct dsn_failure f[] = {
	    {"bob@q.example", "550 5.1.1 nobody\r\nFinal-Recipient: rfc822; x\n"},
	    {"a b@\xc3\xbc.example", "no\n\nway"},
	};

	return (struct dsn){.me = "q.example",
			    .from = "MAILER-DAEMON@q.example",
			    .to = "a@example.org",
			    .id = "NEWID",
			    .boundary = "=_b",
			    .now = 1795262649,
			    .queue_id = "OLDID",
			    .sender = "a@example.org",
			    .arrival = 1795262000,
			    .failures = f,
			    .nfailures = 2,
			    .copy = "Subject: hi\n\nbody",
			    .ncopy = 17};
}

static char *write_out(const struct dsn *d, struct sbuf *b)
{
	sbuf_init(b, 1 << 20);
	assert_int_equal(dsn_write(d, collect, b), 0);
	assert_non_null(sbuf_str(b));
	return b->p;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

static void has_its_parts(void **state)
{
	struct dsn d = example();
	struct sbuf b;
	const char *t = write_out(&d, &b);

	(void)state;
	assert_int_equal(count(t, "--=_b\n"), 3);
	assert_int_equal(count(t, "\n--=_b--\n"), 1);
	assert_non_null(strstr(t, "\nTo: a@example.org\n"));
	assert_non_null(strstr(t, "\nMessage-ID: <NEWID@q.example>\n"));
	assert_non_null(strstr(t, "multipart/report; report-type=delivery-status;"));
	assert_non_null(strstr(t, "\nReporting-MTA: dns; q.example\n"));
	assert_non_null(strstr(t,
			       "Final-Recipient: rfc822; bob@q.example\nAction: failed\n"
			       "Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 nobody"));
	assert_non_null(
	    strstr(t, "Final-Recipient: rfc822; \"a b\"@??.example\nAction: "
		      "failed\nStatus: 5.0.0\nDiagnostic-Code: X-Quoin; no  way\n"));
	assert_non_null(
	    strstr(t, "\nReturn-Path: <a@example.org>\nSubject: hi\n\nbody\n--=_b--\n"));
	sbuf_free(&b);
}

/* What others said stays on its line, in ASCII. */
static void foreign_text_is_tame(void **state)
{
	struct dsn d = example();
	struct sbuf b;
	const char *t = write_out(&d, &b);

	(void)state;
	assert_int_equal(count(t, "\nFinal-Recipient:"), 2);
	for (; *t != '\0'; t++)
		assert_true(*t == '\n' || *t == '\t' || (*t >= 0x20 && *t <= 0x7e));
	sbuf_free(&b);
}

static void kinds(void **state)
{
	struct dsn d = example();
	struct sbuf b;

	(void)state;
	assert_int_equal(dsn_kind("a@b"), DSN_SINGLE);
	assert_int_equal(dsn_kind(""), DSN_DOUBLE);
	assert_int_equal(dsn_kind("#@[]"), DSN_DISCARD);
	d.sender = "";
	d.copy = "\xe4";
	d.ncopy = 1;
	d.is_cut = 1;
	assert_non_null(strstr(write_out(&d, &b), "you look after"));
	assert_non_null(strstr(b.p, "Content-Transfer-Encoding: 8bit"));
	assert_non_null(strstr(b.p, "Return-Path: <>\n"));
	sbuf_free(&b);
}

static int refuse(void *arg, const char *p, size_t n)
{
	size_t *left = arg;

	(void)p;
	if (n > *left)
		return -1;
	*left -= n;
	return 0;
}

static void reports_a_full_pipe(void **state)
{
	struct dsn d = example();

	struct sbuf b;
	size_t len;

	(void)state;
	(void)write_out(&d, &b);
	len = b.len;
	sbuf_free(&b);
	for (size_t n = 0; n < len; n += 50) {
		size_t left = n;

		assert_int_equal(dsn_write(&d, refuse, &left), -1);
	}
}

static void longest_strings_fit(void **state)
{
	static char address[LIMIT_ADDRESS + 1];
	char text[LIMIT_TEXT + 1];
	struct dsn_failure f = {address, text};
	struct dsn d = example();
	struct sbuf b;

	(void)state;
	memset(address, '"', LIMIT_ADDRESS);
	address[640] = '@';
	memset(text, 'x', LIMIT_TEXT);
	text[LIMIT_TEXT] = '\0';
	d.failures = &f;
	d.nfailures = 1;
	d.sender = d.to = address;
	(void)write_out(&d, &b);
	sbuf_free(&b);
}

static void bounce_frames(void **state)
{
	struct sbuf b = SBUF_INIT(64);
	char part;
	uint16_t slot;
	const char *id;

	(void)state;
	assert_int_equal(bounce_put(&b, BOUNCE_JOURNAL, 7, "28cKYN4HbYa34kIZl"), 0);
	assert_int_equal(bounce_get(b.p, b.len, &part, &slot, &id), 0);
	assert_int_equal(part, 'J');
	assert_int_equal(slot, 7);
	assert_string_equal(id, "28cKYN4HbYa34kIZl");
	for (size_t n = 0; n < b.len; n++) {
		char *p = malloc(n ? n : 1);

		memcpy(p, b.p, n);
		assert_int_equal(bounce_get(p, n, &part, &slot, &id), -1);
		free(p);
	}
	b.p[0] = 'X';
	assert_int_equal(bounce_get(b.p, b.len, &part, &slot, &id), -1);
	b.p[0] = 'M';
	b.p[5] = '/';
	assert_int_equal(bounce_get(b.p, b.len, &part, &slot, &id), -1);
	sbuf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_status),         cmocka_unit_test(has_its_parts),
	    cmocka_unit_test(foreign_text_is_tame), cmocka_unit_test(kinds),
	    cmocka_unit_test(reports_a_full_pipe),  cmocka_unit_test(longest_strings_fit),
	    cmocka_unit_test(bounce_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
