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
	static const struct dsn_rcpt f[] = {
	    {.address = "bob@q.example",
	     .text = "550 5.1.1 nobody\r\nFinal-Recipient: rfc822; x\n"},
	    {.address = "a b@\xc3\xbc.example", .text = "no\n\nway"},
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
			    .rcpts = f,
			    .nrcpts = 2};
}

static char *write_out(const struct dsn *d, struct sbuf *b)
{
	sbuf_init(b, 1 << 20);
	assert_int_equal(dsn_begin(d, collect, b), 0);
	assert_int_equal(sbuf_cats(b, "Subject: hi\n\nbody"), 0);
	assert_int_equal(dsn_end(d, collect, b), 0);
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
	d.is_8bit = 1;
	d.is_cut = d.header_only = 1;
	assert_non_null(strstr(write_out(&d, &b), "you look after"));
	assert_non_null(strstr(b.p, "Content-Transfer-Encoding: 8bit"));
	assert_non_null(strstr(b.p, "Return-Path: <>\n"));
	assert_non_null(strstr(b.p, "too large to come back"));
	assert_non_null(strstr(b.p, "Content-Type: text/rfc822-headers\n"));
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
	sbuf_init(&b, 1 << 20);
	assert_int_equal(dsn_begin(&d, collect, &b), 0);
	len = b.len;
	sbuf_free(&b);
	for (size_t n = 0; n < len; n += 50) {
		size_t left = n;

		assert_int_equal(dsn_begin(&d, refuse, &left), -1);
	}
}

static void longest_strings_fit(void **state)
{
	static char address[LIMIT_ADDRESS + 1];
	char text[LIMIT_TEXT + 1];
	struct dsn_rcpt f = {.address = address, .text = text};
	struct dsn d = example();
	struct sbuf b;

	(void)state;
	memset(address, '"', LIMIT_ADDRESS);
	address[640] = '@';
	memset(text, 'x', LIMIT_TEXT);
	text[LIMIT_TEXT] = '\0';
	d.rcpts = &f;
	d.nrcpts = 1;
	d.sender = d.to = address;
	(void)write_out(&d, &b);
	sbuf_free(&b);
}

/* Every field, in the order of RFC 3464 2.2 and 2.3. */
static void has_all_fields(void **state)
{
	static const struct dsn_rcpt r[] = {
	    {.address = "bob@far.example",
	     .orcpt = "rfc822;Bob+2Bx@far.example",
	     .text = "mx.far.example [192.0.2.1]:2525 said: 450 4.2.0 later",
	     .action = DSN_DELAYED,
	     .attempt = 1795262600},
	};
	struct dsn d = example();
	struct sbuf b;

	(void)state;
	d.rcpts = r;
	d.nrcpts = 1;
	d.envid = "QQ+2B1";
	d.until = 1795866800;
	d.header_only = 1;
	(void)write_out(&d, &b);
	assert_non_null(strstr(b.p, "\nSubject: delay notice\n"));
	assert_non_null(
	    strstr(b.p, "\n\nOriginal-Envelope-Id: QQ+1\nReporting-MTA: dns; q.example\n"
			"Arrival-Date: Sat, 21 Nov 2026 11:53:20 +0000\n"
			"X-Quoin-Queue-ID: OLDID\n\n"
			"Original-Recipient: rfc822; Bob+x@far.example\n"
			"Final-Recipient: rfc822; bob@far.example\nAction: delayed\n"
			"Status: 4.2.0\nRemote-MTA: dns; mx.far.example\n"
			"Diagnostic-Code: smtp; 450 4.2.0 later\n"
			"Last-Attempt-Date: Sat, 21 Nov 2026 12:03:20 +0000\n"
			"Will-Retry-Until: Sat, 28 Nov 2026 11:53:20 +0000\n\n"));
	sbuf_free(&b);
}

static const struct {
	const char *text;
	enum dsn_action action;
	const char *status;
} pairs[] = {
    {"550 5.1.1 no", DSN_FAILED, "5.1.1"}, {"4.4.1 I am giving up", DSN_FAILED, "4.4.1"},
    {"2.0.0 ok", DSN_FAILED, "5.0.0"},     {"5.1.1 later", DSN_DELAYED, "4.0.0"},
    {"no words", DSN_DELAYED, "4.0.0"},    {"did 1+0+0", DSN_DELIVERED, "2.0.0"},
    {"5.1.1", DSN_RELAYED, "2.0.0"},       {"", DSN_EXPANDED, "2.0.0"},
};

/* What a text says never contradicts the action. */
static void status_fits_the_action(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct dsn_rcpt r = {
		    .address = "a@b", .text = pairs[i].text, .action = pairs[i].action};
		struct dsn d = example();
		char want[40];
		struct sbuf b;

		d.rcpts = &r;
		d.nrcpts = 1;
		(void)snprintf(want, sizeof want, "\nStatus: %s\n", pairs[i].status);
		if (strstr(write_out(&d, &b), want) == NULL)
			fail_msg("%s: %s", pairs[i].text, b.p);
		sbuf_free(&b);
	}
}

/* xtext that no server of ours let in. */
static void hostile_xtext_is_left_out(void **state)
{
	static const char *const bad[] = {"+0AX-Evil:+20x", "a\tb", "+", "a+0D+0Ab"};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char orcpt[40];
		struct dsn_rcpt r = {.address = "a@b", .text = "", .orcpt = orcpt};
		struct dsn d = example();
		struct sbuf b;

		(void)snprintf(orcpt, sizeof orcpt, "rfc822;%s", bad[i]);
		d.envid = bad[i];
		d.rcpts = &r;
		d.nrcpts = 1;
		assert_null(strstr(write_out(&d, &b), "Original-"));
		assert_null(strstr(b.p, "Evil"));
		sbuf_free(&b);
	}
}

/* The paragraphs of qmail's format; a success needs the other one. */
static void writes_qsbmf(void **state)
{
	struct dsn_rcpt r[] = {{.address = "a@b", .text = "no"},
			       {.address = "c@d", .text = " "},
			       {.address = "e@f", .text = "", .action = DSN_DELIVERED}};
	struct dsn d = example();
	struct sbuf b;
	const char *body;

	(void)state;
	d.qsbmf = 1;
	d.rcpts = r;
	d.nrcpts = 2;
	body = strstr(write_out(&d, &b), "\n\n");
	assert_non_null(body);
	assert_int_equal(strncmp(body + 2, "Hi. This is the", 15), 0);
	assert_non_null(strstr(body, "\n\n<a@b>:\nno\n\n<c@d>:\n\n--- Below"));
	assert_non_null(
	    strstr(body, ".\n\nReturn-Path: <a@example.org>\nSubject: hi\n\nbody"));
	assert_null(strstr(b.p, "MIME-Version"));
	sbuf_free(&b);
	d.nrcpts = 3;
	assert_non_null(strstr(write_out(&d, &b), "multipart/report"));
	sbuf_free(&b);
}

static const struct {
	const char *text;
	const char *host;
	const char *reply;
} saids[] = {
    {"mx.test [192.0.2.1] said: 550 no", "mx.test", "550 no"},
    {"mx.test [2001:db8::1]:24 said: x", "mx.test", "x"},
    {"mx.test [192.0.2.1]:25 accepted: 250 ok", "mx.test", NULL},
    {"a b [1] said: 550 no", "", NULL},
    {"my program said: 550 no", "", NULL},
    {"[1] said: 550 no", "", NULL},
    {"[192.0.2.1] [192.0.2.1]:25 said: 550 no", "[192.0.2.1]", "550 no"},
    {"", "", NULL},
};

static void finds_who_said_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof saids / sizeof *saids; i++) {
		char host[LIMIT_DOMAIN + 1];
		const char *text = saids[i].text;

		assert_string_equal(status_said(text, host),
				    saids[i].reply != NULL ? saids[i].reply : text);
		assert_string_equal(host, saids[i].host);
	}
}

static const struct bounce_frame frames[] = {
    {.part = BOUNCE_MESSAGE, .slot = 7, .id = "28cKYN4HbYa34kIZl"},
    {.part = BOUNCE_JOURNAL, .slot = 7, .id = "28cKYN4HbYa34kIZl"},
    {.part = BOUNCE_WARNING, .slot = 1, .id = "28cKYN4HbYa34kIZl", .until = 1795866800},
    {.part = BOUNCE_SETTINGS,
     .settings = {50000, 1, "q.example", "MAILER-DAEMON@q.example", "postmaster@q"}},
};

static void bounce_frames(void **state)
{
	struct sbuf b = SBUF_INIT(BOUNCE_FRAME);
	struct bounce_frame f;

	(void)state;
	for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
		assert_int_equal(bounce_put(&b, &frames[i]), 0);
		assert_int_equal(bounce_get(b.p, b.len, &f), 0);
		assert_int_equal(f.part, frames[i].part);
		assert_int_equal(f.slot, frames[i].slot);
		assert_int_equal(f.until, frames[i].until);
		assert_int_equal(f.settings.copy, frames[i].settings.copy);
		if (f.part == BOUNCE_SETTINGS)
			assert_string_equal(f.settings.doubled,
					    frames[i].settings.doubled);
		else
			assert_string_equal(f.id, frames[i].id);
		for (size_t n = 0; n < b.len; n++) {
			char *p = malloc(n ? n : 1);

			memcpy(p, b.p, n);
			assert_int_equal(bounce_get(p, n, &f), -1);
			free(p);
		}
	}
	assert_int_equal(bounce_put(&b, &frames[1]), 0);
	b.p[0] = 'X';
	assert_int_equal(bounce_get(b.p, b.len, &f), -1);
	b.p[0] = 'M';
	b.p[5] = '/';
	assert_int_equal(bounce_get(b.p, b.len, &f), -1);
	sbuf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_status),
	    cmocka_unit_test(has_its_parts),
	    cmocka_unit_test(foreign_text_is_tame),
	    cmocka_unit_test(kinds),
	    cmocka_unit_test(reports_a_full_pipe),
	    cmocka_unit_test(longest_strings_fit),
	    cmocka_unit_test(has_all_fields),
	    cmocka_unit_test(status_fits_the_action),
	    cmocka_unit_test(hostile_xtext_is_left_out),
	    cmocka_unit_test(writes_qsbmf),
	    cmocka_unit_test(finds_who_said_it),
	    cmocka_unit_test(bounce_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
