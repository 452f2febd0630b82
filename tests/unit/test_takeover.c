/* The files of Dovecot and Courier, in memory; with real ones: tests/integration. */
#include "exact.h"

#include <errno.h>
#include <stdio.h>

#include "maildir/takeover_int.h"

enum { TEXT = 4096 };

static struct taken t;
static struct taken pop3;

static int setup(void **state)
{
	static const struct taken none = TAKEN_INIT;

	(void)state;
	t = none;
	pop3 = none;
	return 0;
}

static void free_one(struct taken *x)
{
	sbuf_free(&x->messages);
	sbuf_free(&x->strings);
	sbuf_free(&x->made);
}

static int teardown(void **state)
{
	(void)state;
	free_one(&t);
	free_one(&pop3);
	return 0;
}

static const struct {
	const char *what;
	int (*take)(struct taken *, char *, size_t);
	const char *text;
	const char *want; /* "UIDVALIDITY UIDNEXT: UID base [uidl], ..." or NULL: -1 */
} lists[] = {
    {"version 3", taken_dovecot, "3 V5 N9 Gabc\n3 :a,S=1:2,S\n4 W5 Pone S7 :b\n",
     "5 9: 3 a, 4 b one, "},
    {"fields in another order", taken_dovecot, "3 Gabc N9 X1 V5\n", "5 9: "},
    {"version 1", taken_dovecot, "1 5 9\n3 a:2,\n4 b,S=2:2,S\n", "5 9: 3 a, 4 b, "},
    {"P alone", taken_dovecot, "3 V5 N9\n3 P :a,S=1:2,S\n", "5 9: 3 a a,S=1, "},
    {"a blank in the name", taken_dovecot, "3 V5 N9\n3 :a b\n", "5 9: 3 a b, "},
    {"uidnext too low", taken_dovecot, "3 V5 N2\n3 :a\n8 :b\n", "5 9: 3 a, 8 b, "},
    {"out of order", taken_dovecot, "3 V5 N9\n4 :b\n3 :a\n", "5 9: 3 a, 4 b, "},
    {"uid twice", taken_dovecot, "3 V5 N9\n3 :a\n3 :b\n4 :c\n", "5 9: 3 a, 4 c, "},
    {"name twice", taken_dovecot, "3 V5 N9\n3 :a\n4 :a:2,S\n", "5 9: 4 a, "},
    {"torn", taken_dovecot, "3 V5 N9\n3 :a\n4 :b", "5 9: 3 a, "},
    {"strange lines", taken_dovecot,
     "3 V5 N9\n\n:\n3\n3 \n3 x\nx :a\n-3 :a\n3 :\n3 :,S=1\n3 :.a\n3 :../a\n3 :a/b\n5 "
     ":z\n",
     "5 9: 5 z, "},
    {"strange UIDLs", taken_dovecot,
     "3 V5 N9\n3 P\x7f :a\n4 "
     "P1234567890123456789012345678901234567890123456789012345678901234567890 :b\n5 "
     "P12345678901234567890123456789012345678901234567890123456789012345678901 :c\n",
     "5 9: 3 a, 4 b "
     "1234567890123456789012345678901234567890123456789012345678901234567890, 5 "
     "c, "},
    {"largest", taken_dovecot,
     "3 V4294967294 N4294967294\n4294967293 :a\n4294967295 :b\n",
     "4294967294 4294967294: 4294967293 a, "},
    {"uids all used up", taken_dovecot, "3 V5 N9\n4294967294 :a\n",
     "5 4294967295: 4294967294 a, "},
    {"empty", taken_dovecot, "", NULL},
    {"no line's end", taken_dovecot, "3 V5 N9", NULL},
    {"version 2", taken_dovecot, "2 5 9\n", NULL},
    {"version 33", taken_dovecot, "33 V5 N9\n", NULL},
    {"no validity", taken_dovecot, "3 N9\n", NULL},
    {"validity 0", taken_dovecot, "3 V0 N9\n", NULL},
    {"validity too large", taken_dovecot, "3 V4294967296 N9\n", NULL},
    {"no uidnext", taken_dovecot, "3 V5\n", NULL},
    {"Courier", taken_courier, "1 5 9\n3 a,S=1\n4 b\n", "5 9: 3 a, 4 b, "},
    {"Courier, another version", taken_courier, "3 V5 N9\n", NULL},
};

static void print(char out[TEXT])
{
	int n = snprintf(out, TEXT, "%u %u: ", t.uidvalidity, t.uidnext);

	for (size_t i = 0; i < taken_count(&t); i++) {
		const struct box_taken *m = taken_at(&t, i);

		n += snprintf(out + n, (size_t)(TEXT - n), "%u %s%s%s, ", m->uid, m->base,
			      m->uidl != NULL ? " " : "", m->uidl != NULL ? m->uidl : "");
	}
}

static void test_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(lists); i++) {
		size_t n = strlen(lists[i].text);
		char *in = exact(lists[i].text, n);
		char out[TEXT];
		int r;

		(void)setup(NULL);
		errno = 0;
		r = lists[i].take(&t, in, n);
		if ((r == -1) != (lists[i].want == NULL))
			fail_msg("%s: %d", lists[i].what, r);
		if (r == -1) {
			assert_int_equal(errno, EBADMSG);
		} else {
			taken_sort(&t);
			print(out);
			if (strcmp(out, lists[i].want) != 0)
				fail_msg("%s: %s", lists[i].what, out);
		}
		free(in);
		(void)teardown(NULL);
	}
}

static void test_pop3(void **state)
{
	char uids[] = "1 5 9\n3 a\n4 b\n7 z\n";
	char sizes[] =
	    "/3 20 77\nc,S=1:2,S 5 3:77:0\nb,S=2 5 9:0\na:2, 6 0:0:1\nb 1 1:1\n"
	    "bad\nbad 1\nbad 1 2\nbad x 1:2:3 4\nq+ 5 0:0\n";
	char out[TEXT];

	(void)state;
	assert_int_equal(taken_courier(&t, uids, sizeof uids - 1), 0);
	taken_sort(&t);
	assert_int_equal(taken_pop3(&pop3, sizes, sizeof sizes - 1), 0);
	assert_int_equal(taken_join(&t, &pop3), 0);
	print(out);
	assert_string_equal(out, "5 10: 3 a a, 4 b UID9, 7 z, 9 c UID3-77, ");
	assert_int_equal(taken_pop3(&pop3, sizes, 0), -1);
	assert_int_equal(taken_pop3(&pop3, (char[]){"/1 2 3\n"}, 7), -1);
}

static void test_default_uidls(void **state)
{
	char uids[] = "3 V1795298372 N13\n1 :a\n11 Pown :b\n";
	char out[TEXT];

	(void)state;
	assert_int_equal(taken_dovecot(&t, uids, sizeof uids - 1), 0);
	taken_sort(&t);
	assert_int_equal(taken_default_uidls(&t), 0);
	print(out);
	assert_string_equal(out, "1795298372 13: 1 a 000000016b021444, 11 b own, ");
}

static void test_letters(void **state)
{
	char text[] =
	    "0 $Forwarded\n2 two words\n25 z\n26 no\n-1 no\nx no\n3 \n4\n1 torn";
	const char *letters[26] = {NULL};

	(void)state;
	taken_letters(letters, text, sizeof text - 1);
	for (int i = 0; i < 26; i++)
		if (i != 0 && i != 25)
			assert_null(letters[i]);
	assert_string_equal(letters[0], "$Forwarded");
	assert_string_equal(letters[25], "z");
}

#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lists),
	    TEST(test_pop3),
	    TEST(test_default_uidls),
	    cmocka_unit_test(test_letters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
