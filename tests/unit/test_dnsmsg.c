/* lib/dnsmsg: answers good and bad, each in a block of exact size. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dns.h"

/* Head: id 0x1234, RD RA and rcode, counts; then the question a.test MX. */
#define HEAD(b2, b3, an, ns, ar) "\x12\x34" b2 b3 "\0\1\0" an "\0" ns "\0" ar
#define QUESTION                 "\1a\4test\0\0\x0f\0\1"
#define OK(an)                   HEAD("\x81", "\x80", an, "\0", "\0") QUESTION
#define PTR_Q                    "\xc0\x0c" /* a.test, at 12 */
#define IN_MX                    "\0\x0f\0\1\0\0\0\x3c"
#define IN_CNAME                 "\0\5\0\1\0\0\0\x3c"
#define MX10                         \
	PTR_Q IN_MX "\0\7\0\x0a\2mx" \
		    "\xc0\x0e"
#define ROW(s) s, sizeof(s) - 1

struct row {
	const char *name;
	const char *msg;
	size_t len;
	int want; /* as dnsmsg_read, with e in case of -1 */
	int e;
	size_t count;
};

static const struct row rows[] = {
    {"one record", ROW(OK("\1") MX10), 1, 0, 1},
    {"two records", ROW(OK("\2") MX10 MX10), 1, 0, 2},
    {"no data", ROW(OK("\0")), 0, 0, 0},
    {"no such name", ROW(HEAD("\x81", "\x83", "\0", "\0", "\0") QUESTION), 0, 0, 0},
    {"servfail", ROW(HEAD("\x81", "\x82", "\0", "\0", "\0") QUESTION), -1, EPROTO, 0},
    {"refused", ROW(HEAD("\x81", "\x85", "\0", "\0", "\0") QUESTION), -1, EPROTO, 0},
    {"referral", ROW(HEAD("\x81", "\0", "\0", "\0", "\0") QUESTION), -1, EPROTO, 0},
    {"authoritative, no data", ROW(HEAD("\x85", "\0", "\0", "\0", "\0") QUESTION), 0, 0,
     0},
    {"truncated bit", ROW(HEAD("\x83", "\x80", "\0", "\0", "\0") QUESTION), -1, EMSGSIZE,
     0},
    {"badvers in OPT",
     ROW(HEAD("\x81", "\x80", "\0", "\0", "\1") QUESTION "\0\0\x29\4\xd0\1\0\0\0\0\0"),
     -1, EPROTO, 0},
    {"plain OPT",
     ROW(HEAD("\x81", "\x80", "\0", "\0", "\1") QUESTION "\0\0\x29\4\xd0\0\0\0\0\0\0"), 0,
     0, 0},
    {"other owner", ROW(OK("\1") "\1b\4test\0" IN_MX "\0\3\0\x0a\0"), 0, 0, 0},
    {"other class", ROW(OK("\1") PTR_Q "\0\x0f\0\3\0\0\0\x3c\0\3\0\x0a\0"), 0, 0, 0},
    {"case differs", ROW(OK("\1") "\1A\4TEST\0" IN_MX "\0\3\0\x0a\0"), 1, 0, 1},
    {"alias",
     ROW(OK("\2") PTR_Q IN_CNAME "\0\4\1b\xc0\x0e"
				 "\1b\xc0\x0e" IN_MX "\0\3\0\x0a\0"),
     1, 0, 1},
    {"alias, records first",
     ROW(OK("\2") "\1b\xc0\x0e" IN_MX "\0\3\0\x0a\0" PTR_Q IN_CNAME "\0\4\1b\xc0\x0e"), 1,
     0, 1},
    {"alias of nothing", ROW(OK("\1") PTR_Q IN_CNAME "\0\4\1b\xc0\x0e"), 0, 0, 0},
    {"alias of itself", ROW(OK("\1") PTR_Q IN_CNAME "\0\2\xc0\x0c"), -1, ELOOP, 0},
    {"short head", ROW("\x12\x34\x81\x80\0\1\0\0\0\0\0"), -1, EBADMSG, 0},
    {"two questions", ROW("\x12\x34\x81\x80\0\2\0\0\0\0\0\0" QUESTION QUESTION), -1,
     EBADMSG, 0},
    {"count too high", ROW(OK("\2") MX10), -1, EBADMSG, 0},
    {"count 255", ROW(OK("\xff") MX10), -1, EBADMSG, 0},
    {"trailing byte", ROW(OK("\1") MX10 "x"), -1, EBADMSG, 0},
    {"data cut", ROW(OK("\1") PTR_Q IN_MX "\0\7\0\x0a\2mx"), -1, EBADMSG, 0},
    {"data length lies", ROW(OK("\1") PTR_Q IN_MX "\xff\xff\0\x0a\2mx"), -1, EBADMSG, 0},
    {"pointer to itself", ROW(OK("\1") "\xc0\x18" IN_MX "\0\3\0\x0a\0"), -1, EBADMSG, 0},
    {"pointer forward", ROW(OK("\1") "\xc0\x1a" IN_MX "\0\3\0\x0a\0"), -1, EBADMSG, 0},
    {"pointer out of the message", ROW(OK("\1") "\xff\xff" IN_MX "\0\3\0\x0a\0"), -1,
     EBADMSG, 0},
    {"pointer into the head", ROW(OK("\1") "\xc0\2" IN_MX "\0\3\0\x0a\0"), -1, EBADMSG,
     0},
    {"label type 0x40",
     ROW(OK("\1") "\x41"
		  "a\0" IN_MX "\0\3\0\x0a\0"),
     -1, EBADMSG, 0},
    {"alias with a long name in short data", ROW(OK("\1") PTR_Q IN_CNAME "\0\1\5"), -1,
     EBADMSG, 0},
};

/* Not inlined: the compiler would see that the block is smaller than the type. */
__attribute__((noinline)) static struct dns_answer *exact(const char *msg, size_t len)
{
	struct dns_answer *a = malloc(offsetof(struct dns_answer, msg) + len);

	assert_non_null(a);
	memcpy(a->msg, msg, len);
	a->len = len;
	return a;
}

static void reads_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct dns_answer *a = exact(rows[i].msg, rows[i].len);
		int rcode;
		int r = dnsmsg_read(a, "a.test", DNS_MX, &rcode);

		if (r != rows[i].want || (r == -1 && errno != rows[i].e) ||
		    (r != -1 && a->count != rows[i].count))
			fail_msg("%s: %d, errno %d, %zu records", rows[i].name, r, errno,
				 a->count);
		free(a);
	}
}

static void tells_absence_apart(void **state)
{
	struct dns_answer *a = exact(rows[2].msg, rows[2].len);
	int rcode;

	(void)state;
	assert_int_equal(dnsmsg_read(a, "a.test", DNS_MX, &rcode), 0);
	assert_false(a->nxdomain);
	free(a);
	a = exact(rows[3].msg, rows[3].len);
	assert_int_equal(dnsmsg_read(a, "a.test", DNS_MX, &rcode), 0);
	assert_true(a->nxdomain);
	free(a);
}

static void reads_mx(void **state)
{
	static const char msg[] = OK("\4") MX10 PTR_Q IN_MX
	    "\0\3\0\0\0" PTR_Q IN_MX "\0\6\0\1\3a b" PTR_Q IN_MX "\0\6\0\1\2a.\0";
	struct dns_answer *a = exact(msg, sizeof msg - 1);
	char name[LIMIT_DOMAIN + 1];
	uint16_t pref;
	int rcode;

	(void)state;
	assert_int_equal(dnsmsg_read(a, "a.test.", DNS_MX, &rcode), 1);
	assert_int_equal(dns_mx(a, 0, &pref, name), 0);
	assert_int_equal(pref, 10);
	assert_string_equal(name, "mx.test");
	assert_int_equal(dns_mx(a, 1, &pref, name), 0);
	assert_int_equal(pref, 0);
	assert_string_equal(name, "");
	assert_int_equal(dns_mx(a, 2, &pref, name), -1); /* no end of the name */
	assert_int_equal(dns_mx(a, 3, &pref, name), -1); /* a dot inside a label */
	free(a);
}

static void reads_txt_and_addresses(void **state)
{
	static const char txt[] =
	    HEAD("\x81", "\x80", "\1", "\0", "\0") "\1a\4test\0\0\x10\0\1" PTR_Q
						   "\0\x10\0\1\0\0\0\x3c\0\7\3abc\2de";
	static const char four[] = HEAD("\x81", "\x80", "\2", "\0",
					"\0") "\1a\4test\0\0\1\0\1" PTR_Q
					      "\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1" PTR_Q
					      "\0\1\0\1\0\0\0\x3c\0\3\xc0\0\2";
	struct dns_answer *a = exact(txt, sizeof txt - 1);
	uint8_t ip[16];
	char out[5];
	size_t len;
	int rcode;

	(void)state;
	assert_int_equal(dnsmsg_read(a, "a.test", DNS_TXT, &rcode), 1);
	assert_int_equal(dns_txt(a, 0, out, sizeof out, &len), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(out, "abcde", 5);
	assert_int_equal(dns_txt(a, 0, out, 4, &len), -1);
	free(a);
	a = exact(four, sizeof four - 1);
	assert_int_equal(dnsmsg_read(a, "a.test", DNS_A, &rcode), 1);
	assert_int_equal(dns_addr(a, 0, ip), 0);
	assert_memory_equal(ip, "\xc0\0\2\1", 4);
	assert_int_equal(dns_addr(a, 1, ip), -1);
	free(a);
}

/* a.test is an alias of b.test, and so on; the last one has an address. */
static size_t put_chain(char *msg, int links)
{
	static const char head[] = "\x12\x34\x81\x80\0\1\0\0\0\0\0\0\1a\4test\0\0\1\0\1";
	static const char alias[] = "\1a\xc0\x0e\0\5\0\1\0\0\0\1\0\4\1b\xc0\x0e";
	static const char address[] = "\1a\xc0\x0e\0\1\0\1\0\0\0\1\0\4\1\2\3\4";
	size_t n = sizeof head - 1;

	memcpy(msg, head, n);
	msg[7] = (char)(links + 1);
	for (int i = 0; i <= links; i++, n += sizeof alias - 1) {
		memcpy(msg + n, i < links ? alias : address, sizeof alias - 1);
		msg[n + 1] = (char)('a' + i);
		if (i < links)
			msg[n + 15] = (char)('b' + i);
	}
	return n;
}

/* Nine links are one too many, eight are not. */
static void bounds_chains(void **state)
{
	(void)state;
	for (int links = 8; links <= 9; links++) {
		char msg[400];
		struct dns_answer *a = exact(msg, put_chain(msg, links));
		int rcode;

		assert_int_equal(dnsmsg_read(a, "a.test", DNS_A, &rcode),
				 links == 8 ? 1 : -1);
		if (links == 9)
			assert_int_equal(errno, ELOOP);
		free(a);
	}
}

static void writes_questions(void **state)
{
	static const char want[] = "\x12\x34\1\0\0\1\0\0\0\0\0\1\1a\4test\0\0\x0f\0\1"
				   "\0\0\x29\4\xd0\0\0\x80\0\0\0";
	static const char *const wrong[] = {
	    "a..test",
	    ".a",
	    "a b",
	    "a\\b",
	    "\xc3\xa4.test",
	    "a2345678901234567890123456789012345678901234567890123456789012345.test"};
	uint8_t q[DNSMSG_QUERYMAX];
	char name[300];

	(void)state;
	assert_int_equal(dnsmsg_query(q, 0x1234, "a.test", DNS_MX, 1), sizeof want - 1);
	assert_memory_equal(q, want, sizeof want - 1);
	assert_int_equal(dnsmsg_query(q, 0x1234, "a.test.", DNS_MX, 1), sizeof want - 1);
	assert_int_equal(dnsmsg_query(q, 1, "", DNS_MX, 0), 12 + 1 + 4);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(dnsmsg_query(q, 1, wrong[i], DNS_A, 1), -1);
	/* 253 bytes of text are 255 on the wire, the most there is. */
	for (size_t i = 0; i < sizeof name - 1; i++)
		name[i] = i % 2 ? '.' : 'x';
	name[253] = '\0';
	assert_int_equal(dnsmsg_query(q, 1, name, DNS_A, 1), DNSMSG_QUERYMAX);
	memcpy(name + 253, ".x", 3);
	assert_int_equal(dnsmsg_query(q, 1, name, DNS_A, 1), -1);
}

static void knows_its_reply(void **state)
{
	static const struct {
		const char *name, *msg;
		size_t len;
		int want;
	} row[] = {
	    {"the reply", ROW(OK("\0")), 1},
	    {"another case",
	     ROW(HEAD("\x81", "\x80", "\0", "\0", "\0") "\1A\4tEst\0\0\x0f\0\1"), 1},
	    {"other id", ROW("\x12\x35\x81\x80\0\1\0\0\0\0\0\0" QUESTION), 0},
	    {"a question", ROW(HEAD("\1", "\0", "\0", "\0", "\0") QUESTION), 0},
	    {"an update", ROW(HEAD("\xa9", "\x80", "\0", "\0", "\0") QUESTION), 0},
	    {"other name",
	     ROW(HEAD("\x81", "\x80", "\0", "\0", "\0") "\1b\4test\0\0\x0f\0\1"), 0},
	    {"other type",
	     ROW(HEAD("\x81", "\x80", "\0", "\0", "\0") "\1a\4test\0\0\1\0\1"), 0},
	    {"name cut", ROW(HEAD("\x81", "\x80", "\0", "\0", "\0") "\1a\4te"), 0},
	    {"head only, no error", ROW("\x12\x34\x81\x80\0\0\0\0\0\0\0\0"), 0},
	    {"head only, NXDOMAIN", ROW("\x12\x34\x81\x83\0\0\0\0\0\0\0\0"), 0},
	    {"head only, FORMERR", ROW("\x12\x34\x81\x81\0\0\0\0\0\0\0\0"), 1},
	    {"empty", ROW(""), 0},
	};
	uint8_t q[DNSMSG_QUERYMAX];
	int qlen = dnsmsg_query(q, 0x1234, "a.test", DNS_MX, 1);

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		uint8_t *m = malloc(row[i].len + (row[i].len == 0));

		memcpy(m, row[i].msg, row[i].len);
		if (dnsmsg_is_reply(q, (size_t)qlen, m, row[i].len) != row[i].want)
			fail_msg("%s", row[i].name);
		free(m);
	}
}

static void reads_tlsa(void **state)
{
	static const struct {
		uint8_t usage, selector, mtype;
		size_t len;
		int want;
	} row[] = {
	    {3, 1, 1, 32, 1}, {3, 0, 1, 32, 1}, {2, 1, 1, 32, 1},   {2, 0, 2, 64, 1},
	    {3, 1, 0, 91, 1}, {3, 1, 0, 0, 0},  {3, 1, 1, 31, 0},   {3, 1, 1, 33, 0},
	    {3, 1, 2, 32, 0}, {3, 1, 3, 32, 0}, {3, 2, 1, 32, 0},   {1, 1, 1, 32, 0},
	    {0, 1, 1, 32, 0}, {4, 1, 1, 32, 0}, {255, 1, 1, 32, 0},
	};
	static struct dns_answer a;
	struct dns_tlsa t;

	(void)state;
	a.type = DNS_TLSA;
	a.count = 1;
	a.len = a.record[0].offset = 50;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		memcpy(a.msg + 50, &row[i], 3);
		a.record[0].len = (uint16_t)(3 + row[i].len);
		assert_int_equal(dns_tlsa(&a, 0, &t), 0);
		assert_ptr_equal(t.data, a.msg + 53);
		assert_int_equal(t.len, row[i].len);
		if (dns_tlsa_is_usable(&t) != row[i].want)
			fail_msg("%u %u %u", t.usage, t.selector, t.mtype);
	}
	a.record[0].len = 2;
	assert_int_equal(dns_tlsa(&a, 0, &t), -1);
	a.type = DNS_TXT;
	a.record[0].len = 35;
	assert_int_equal(dns_tlsa(&a, 0, &t), -1);
}

static void reverses_addresses(void **state)
{
	static const uint8_t six[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
	char name[LIMIT_DOMAIN + 1];

	(void)state;
	dns_reverse(2, (const uint8_t[16]){192, 0, 2, 1}, name);
	assert_string_equal(name, "1.2.0.192.in-addr.arpa");
	dns_reverse(10, six, name);
	assert_string_equal(name, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
				  "8.b.d.0.1.0.0.2.ip6.arpa");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_answers),   cmocka_unit_test(tells_absence_apart),
	    cmocka_unit_test(reads_mx),        cmocka_unit_test(reads_txt_and_addresses),
	    cmocka_unit_test(bounds_chains),   cmocka_unit_test(writes_questions),
	    cmocka_unit_test(knows_its_reply), cmocka_unit_test(reverses_addresses),
	    cmocka_unit_test(reads_tlsa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
