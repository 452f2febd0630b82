#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../qlocal/delivery.h"
#include "../../qlocal/program.h"
#include "../../qlocal/progenv.h"
#include "sbuf.h"

static struct delivery d;
static struct sbuf frame = SBUF_INIT(LIMIT_LOCALFRAME);

/* As qlspawn sends it. 0, or -1 when delivery_init() refuses it. */
static int receive(const char *sender, const char *local, const char *rcpt,
		   const char *ext)
{
	struct sbuf job = SBUF_INIT(LIMIT_FRAME);
	struct job j = {.slot = 1,
			.id = "0QJvD3qwUb4000001",
			.sender = sender,
			.route = local,
			.nrcpts = 1,
			.rcpts = {rcpt}};

	assert_int_equal(job_put(&job, &j), 0);
	sbuf_clear(&frame);
	assert_int_equal(
	    localjob_put(&frame, *ext != '\0' ? "-" : "", ext, "", job.p, job.len), 0);
	sbuf_free(&job);
	return delivery_init(&d, frame.p, frame.len, 0, -1);
}

static const char *get(const struct progenv *e, const char *name)
{
	size_t n = strlen(name);

	for (char *const *v = e->vars; *v != NULL; v++)
		if (strncmp(*v, name, n) == 0 && (*v)[n] == '=')
			return *v + n + 1;
	return NULL;
}

static void test_values(void **state)
{
	static const char *const want[][2] = {
	    {"SENDER", "joe b@example.org"},
	    {"NEWSENDER", "new@x"},
	    {"RECIPIENT", "me-A-b-c-d@mail.q.example.test"},
	    {"USER", "me"},
	    {"HOME", "/home/me"},
	    {"LOCAL", "me-A-b-c-d"},
	    {"HOST", "mail.q.example.test"},
	    {"HOST2", "mail.q.example"},
	    {"HOST3", "mail.q"},
	    {"HOST4", "mail"},
	    {"EXT", "A-b-c-d"},
	    {"EXT2", "b-c-d"},
	    {"EXT3", "c-d"},
	    {"EXT4", "d"},
	    {"DEFAULT", "c-d"},
	    {"RPLINE", "Return-Path: <\"joe b\"@example.org>\n"},
	    {"DTLINE", "Delivered-To: me-A-b-c-d@mail.q.example.test\n"},
	};
	struct progenv e;
	const char *from;

	(void)state;
	assert_int_equal(receive("joe b@example.org", "me-A-b-c-d",
				 "me-A-b-c-d@mail.q.example.test", "A-b-c-d"),
			 0);
	assert_int_equal(progenv_make(&e, &d, "me", "/home/me", "new@x", "c-d"), 0);
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		assert_string_equal(get(&e, want[i][0]), want[i][1]);
	from = get(&e, "UFLINE");
	assert_true(strncmp(from, "From joe-b@example.org ", 23) == 0);
	assert_int_equal(from[strlen(from) - 1], '\n');
	progenv_free(&e);
}

static void test_short(void **state)
{
	struct progenv e;

	(void)state;
	assert_int_equal(receive("", "me", "me@host", ""), 0);
	assert_int_equal(progenv_make(&e, &d, "me", "/home/me", "", NULL), 0);
	assert_string_equal(get(&e, "HOST2"), "");
	assert_string_equal(get(&e, "EXT2"), "");
	assert_null(get(&e, "DEFAULT"));
	assert_string_equal(get(&e, "SENDER"), "");
	assert_string_equal(get(&e, "RPLINE"), "Return-Path: <>\n");
	assert_true(strncmp(get(&e, "UFLINE"), "From MAILER-DAEMON ", 19) == 0);
	progenv_free(&e);
	assert_int_equal(receive("#@[]", "me", "me", ""), 0);
	assert_string_equal(d.to, "me");
	assert_string_equal(d.returnpath, "Return-Path: <#@[]>\n");
	assert_string_equal(d.originalto, "");
}

static void test_virtual(void **state)
{
	(void)state;
	assert_int_equal(receive("a@b", "joe-info", "info@virtual.example", "info"), 0);
	assert_string_equal(d.to, "joe-info@virtual.example");
	assert_string_equal(d.deliveredto, "Delivered-To: joe-info@virtual.example\n");
	assert_string_equal(d.originalto, "X-Original-To: info@virtual.example\n");
}

static void test_hostile(void **state)
{
	struct progenv e;

	(void)state;
	assert_int_equal(receive("() { :;}; touch /tmp/x@y", "me", "me@host", ""), 0);
	assert_int_equal(progenv_make(&e, &d, "me", "/h", "() {x", NULL), 0);
	assert_null(get(&e, "SENDER"));
	assert_null(get(&e, "NEWSENDER"));
	assert_non_null(get(&e, "RPLINE")); /* begins with a word of ours */
	progenv_free(&e);
	assert_int_equal(receive("a\nX: y@b", "me", "me@host", ""), -1);
	assert_int_equal(receive("a@b", "me\033", "me@host", ""), -1);
	assert_int_equal(receive("a@b", "me", "me\177@host", ""), -1);
	assert_int_equal(receive("a@b", "me", "me@host", "a\001"), -1);
}

static void test_codes(void **state)
{
	static const struct {
		int code;
		char letter;
	} rows[] = {{0, 'K'},  {99, 'K'}, {100, 'D'}, {111, 'Z'}, {64, 'D'},
		    {65, 'D'}, {66, 'Z'}, {67, 'Z'},  {68, 'Z'},  {69, 'Z'},
		    {70, 'D'}, {71, 'Z'}, {72, 'Z'},  {73, 'Z'},  {74, 'Z'},
		    {75, 'Z'}, {76, 'D'}, {77, 'D'},  {78, 'D'},  {112, 'D'},
		    {1, 'Z'},  {2, 'Z'},  {126, 'Z'}, {127, 'Z'}, {255, 'Z'},
		    {98, 'Z'}, {101, 'Z'}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(program_letter(rows[i].code << 8), rows[i].letter);
	assert_int_equal(program_letter(9), 'Z');  /* SIGKILL */
	assert_int_equal(program_letter(11), 'Z'); /* SIGSEGV */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values),  cmocka_unit_test(test_short),
	    cmocka_unit_test(test_virtual), cmocka_unit_test(test_hostile),
	    cmocka_unit_test(test_codes),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	sbuf_free(&frame);
	return r;
}
