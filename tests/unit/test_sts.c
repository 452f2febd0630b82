/* What a domain publishes, what a web server answers, what is kept and what is told. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../qremote/sts_cache.h"
#include "../../qremote/sts_http.h"
#include "../../qremote/sts_recent.h"
#include "../../qremote/sts_text.h"
#include "exact.h"
#include "paths.h"
#include "sbuf.h"
#include "stsask.h"

/* ---- the TXT record ---- */

static const struct {
	const char *text;
	int result;
	const char *id;
} records[] = {
    {"v=STSv1; id=20160831085700Z;", 1, "20160831085700Z"},
    {"v=STSv1;id=1", 1, "1"},
    {"v=STSv1 ;\tid=1 ; ", 1, "1"},
    {"v=STSv1; other=x; id=2; id=3", 1, "2"},
    {"v=STSv1; id=12345678901234567890123456789012", 1,
     "12345678901234567890123456789012"},
    {"v=STSv1; id=123456789012345678901234567890123", -1, NULL},
    {"v=STSv1; id=", -1, NULL},
    {"v=STSv1; id=a-b", -1, NULL},
    {"v=STSv1; id=a;;", 1, "a"}, /* harmless */
    {"v=STSv1;; id=a", -1, NULL},
    {"v=STSv1; id=1; x", -1, NULL},
    {"v=STSv1; =x; id=1", -1, NULL},
    {"v=STSv1; a=b=c; id=1", -1, NULL},
    {"v=STSv1;", -1, NULL},
    {"v=STSv1", -1, NULL},
    {"v=STSv2; id=1", 0, NULL},
    {"v=STSv11; id=1", 0, NULL},
    {" v=STSv1; id=1", 0, NULL},
    {"v=stsv1; id=1", 0, NULL},
    {"v=spf1 -all", 0, NULL},
    {"", 0, NULL},
};

static void reads_txt(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(records); i++) {
		size_t n = strlen(records[i].text);
		char *p = exact(records[i].text, n);
		char id[LIMIT_STSID + 1];
		const char *why = NULL;
		int r = sts_text_txt(p, n, id, &why);

		if (r != records[i].result)
			print_error("%s: %d\n", records[i].text, r);
		assert_int_equal(r, records[i].result);
		if (r == 1)
			assert_string_equal(id, records[i].id);
		if (r == -1)
			assert_non_null(why);
		free(p);
	}
}

/* ---- the policy ---- */

static const struct {
	const char *text;
	char mode; /* 0: refused */
	uint64_t max_age;
	size_t nmx;
	const char *first;
} policies[] = {
    {"version: STSv1\nmode: enforce\nmx: Mail.Example.com\nmx: *.example.net\n"
     "max_age: 604800\n",
     'E', 604800, 2, "mail.example.com"},
    {"version: STSv1\r\nmode: testing\r\nmx: a\r\nmax_age: 0", 'T', 0, 1, "a"},
    {"max_age:9999999999\nmx:a.b\nmode:enforce\nversion:STSv1", 'E', STS_MAXAGE, 1,
     "a.b"},
    {"version: STSv1\nmode: none\nmax_age: 1\n", 'N', 1, 0, NULL},
    /* the first counts, but for mx; what is unknown is skipped, blanks are no matter */
    {"version: STSv1\nversion: x\nmode: enforce \nmode: none\nmx: a.b \t\nmax_age: 1\n"
     "max_age: x\nsome.thing-else_0: \xc3\xa9 : x\n\n",
     'E', 1, 1, "a.b"},
    {"", 0, 0, 0, NULL},
    {"version: STSv2\nmode: enforce\nmx: a.b\nmax_age: 1\n", 0, 0, 0, NULL},
    {"mode: enforce\nmx: a.b\nmax_age: 1\n", 0, 0, 0, NULL},
    {"version: STSv1\nmx: a.b\nmax_age: 1\n", 0, 0, 0, NULL},
    {"version: STSv1\nmode: enforce\nmx: a.b\n", 0, 0, 0, NULL},
    {"version: STSv1\nmode: enforce\nmax_age: 1\n", 0, 0, 0, NULL},
    {"version: STSv1\nmode: Enforce\nmx: a.b\nmax_age: 1\n", 0, 0, 0, NULL},
    {"version: STSv1\nmode: enforce\nmx: a.b\nmax_age: -1\n", 0, 0, 0, NULL},
    {"version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 12345678901\n", 0, 0, 0, NULL},
    {"version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 1s\n", 0, 0, 0, NULL},
    {"version: STSv1\nmode: enforce\nmx: a..b\nmax_age: 1\n", 0, 0, 0, NULL},
    {"version: STSv1\nmode: enforce\nmx: a b\nmax_age: 1\n", 0, 0, 0, NULL},
    {"version: STSv1\nmode: enforce\nmx: a.*.b\nmax_age: 1\n", 0, 0, 0, NULL},
    {"version: STSv1\nmode: enforce\nmx: *\nmax_age: 1\n", 0, 0, 0, NULL},
    {"version: STSv1\nmode: enforce\nmx:\nmax_age: 1\n", 0, 0, 0, NULL},
    {"version: STSv1\nmode: enforce\nmx: ../a\nmax_age: 1\n", 0, 0, 0, NULL},
    {"version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 1\nnonsense\n", 0, 0, 0, NULL},
    {"<html>: STSv1\nversion: STSv1\nmode: none\nmax_age: 1\n", 0, 0, 0, NULL},
};

static void reads_policies(void **state)
{
	static struct sts_record r;

	(void)state;
	for (size_t i = 0; i < COUNT(policies); i++) {
		size_t n = strlen(policies[i].text);
		char *p = exact(policies[i].text, n);
		const char *why = NULL;
		int done = sts_text_policy(p, n, &r, &why);

		if ((done == 0) != (policies[i].mode != 0))
			print_error("%s: %d\n", policies[i].text, done);
		assert_int_equal(done, policies[i].mode != 0 ? 0 : -1);
		free(p);
		if (done == -1) {
			assert_non_null(why);
			continue;
		}
		assert_int_equal(r.mode, policies[i].mode);
		assert_int_equal(r.max_age, policies[i].max_age);
		assert_int_equal(r.nmx, policies[i].nmx);
		if (r.nmx > 0)
			assert_string_equal(r.mx[0], policies[i].first);
	}
}

/* As many hosts as there is room for; one more is refused, not left out. */
static void counts_hosts(void **state)
{
	static struct sts_record r;
	struct sbuf b = SBUF_INIT(4096);
	const char *why;

	(void)state;
	assert_int_equal(sbuf_cats(&b, "version: STSv1\nmode: enforce\nmax_age: 1\n"), 0);
	for (int i = 0; i < STS_MX; i++)
		assert_int_equal(sbuf_catf(&b, "mx: m%d.example\n", i), 0);
	assert_int_equal(sts_text_policy(b.p, b.len, &r, &why), 0);
	assert_int_equal(r.nmx, STS_MX);
	assert_int_equal(sbuf_cats(&b, "mx: more.example\n"), 0);
	assert_int_equal(sts_text_policy(b.p, b.len, &r, &why), -1);
	sbuf_free(&b);
}

/* ---- HTTP ---- */

#define OK   "HTTP/1.1 200 OK\r\n"
#define TEXT "Content-Type: text/plain\r\n"

static const struct {
	const char *text;
	int result;
	const char *body;
} answers[] = {
    {OK TEXT "Content-Length: 3\r\n\r\nabc", 1, "abc"},
    {OK TEXT "Content-Length: 3\r\n\r\nabcdef", 1, "abc"},
    {OK TEXT "Content-Length: 0\r\n\r\n", 1, ""},
    {"HTTP/1.0 200\r\ncontent-TYPE:\tText/Plain ; charset=utf-8\r\ncontent-length:3 "
     "\r\nX: \xe9\r\n\r\nabc",
     1, "abc"},
    {OK TEXT "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n", 1,
     "abc"},
    {OK TEXT "Transfer-Encoding: Chunked\r\n\r\nA\r\n0123456789\r\n00\r\nT: x\r\n\r\n", 1,
     "0123456789"},
    {OK TEXT "Content-Encoding: identity\r\nContent-Length: 1\r\n\r\na", 1, "a"},
    /* more must come */
    {"", 0, NULL},
    {OK TEXT, 0, NULL},
    {OK TEXT "Content-Length: 3\r\n\r\nab", 0, NULL},
    {OK TEXT "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", 0, NULL},
    {OK TEXT "Transfer-Encoding: chunked\r\n\r\n2\r\nab", 0, NULL},
    {OK TEXT "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n", 0, NULL},
    /* never */
    {"HTTP/1.1 301 Moved\r\nLocation: https://x/\r\n\r\n", -1, NULL},
    {"HTTP/1.1 404 Not Found\r\n" TEXT "Content-Length: 3\r\n\r\nabc", -1, NULL},
    {"HTTP/1.1 206 Part\r\n" TEXT "Content-Length: 3\r\n\r\nabc", -1, NULL},
    {"HTTP/2 200 OK\r\n" TEXT "Content-Length: 3\r\n\r\nabc", -1, NULL},
    {"ICY 200 OK it is\r\n\r\n", -1, NULL},
    {"\r\n" OK TEXT "Content-Length: 3\r\n\r\nabc", -1, NULL},
    {OK "Content-Length: 3\r\n\r\nabc", -1, NULL},
    {OK "Content-Type: text/html\r\nContent-Length: 3\r\n\r\nabc", -1, NULL},
    {OK "Content-Type: text/plainly\r\nContent-Length: 3\r\n\r\nabc", -1, NULL},
    {OK TEXT TEXT "Content-Length: 3\r\n\r\nabc", -1, NULL},
    {OK TEXT "\r\nabc", -1, NULL},
    {OK TEXT
     "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
     -1, NULL},
    {OK TEXT "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", -1, NULL},
    {OK TEXT "Content-Length: -3\r\n\r\nabc", -1, NULL},
    {OK TEXT "Content-Length: 3, 3\r\n\r\nabc", -1, NULL},
    {OK TEXT "Content-Length: 65537\r\n\r\nabc", -1, NULL},
    {OK TEXT "Content-Length: 99999999999999999999999\r\n\r\nabc", -1, NULL},
    {OK TEXT "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", -1, NULL},
    {OK TEXT "Transfer-Encoding: gzip, chunked\r\n\r\n", -1, NULL},
    {OK TEXT "Transfer-Encoding: chunked\r\n\r\nx\r\n", -1, NULL},
    {OK TEXT "Transfer-Encoding: chunked\r\n\r\n-1\r\n", -1, NULL},
    {OK TEXT "Transfer-Encoding: chunked\r\n\r\n10001\r\n", -1, NULL},
    {OK TEXT "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", -1, NULL},
    {OK TEXT "Transfer-Encoding: chunked\r\n\r\n1\r\nabc", -1, NULL},
    {OK TEXT " folded: x\r\nContent-Length: 3\r\n\r\nabc", -1, NULL},
    {OK TEXT "Name : x\r\nContent-Length: 3\r\n\r\nabc", -1, NULL},
    {OK TEXT "Name\r\nContent-Length: 3\r\n\r\nabc", -1, NULL},
    {OK TEXT "X: a\rb\r\nContent-Length: 3\r\n\r\nabc", -1, NULL},
    {OK TEXT "X: a\nb: c\r\nContent-Length: 3\r\n\r\nabc", -1, NULL},
};

static void reads_http(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		size_t n = strlen(answers[i].text);
		char *p = exact(answers[i].text, n);
		const char *why = NULL;
		char *body = NULL;
		size_t len = 0;
		int r = sts_http(p, n, &body, &len, &why);

		if (r != answers[i].result)
			print_error("%s: %d\n", answers[i].text, r);
		assert_int_equal(r, answers[i].result);
		if (r == 1) {
			assert_int_equal(len, strlen(answers[i].body));
			assert_memory_equal(body, answers[i].body, len);
		}
		if (r == -1)
			assert_non_null(why);
		free(p);
	}
}

/* What is whole was not whole at any byte before, and was never refused. */
static void waits_for_the_rest(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		const char *why;
		char *body;
		size_t len;

		if (answers[i].result != 1)
			continue;
		for (size_t n = 0; n < strlen(answers[i].text); n++) {
			char *p = exact(answers[i].text, n);
			int r = sts_http(p, n, &body, &len, &why);

			assert_true(r == 0 || (r == 1 && len == strlen(answers[i].body)));
			free(p);
		}
	}
}

static void limits_http(void **state)
{
	struct sbuf b = SBUF_INIT(LIMIT_HTTP);
	const char *why;
	char *body;
	size_t len;

	(void)state;
	assert_int_equal(sbuf_cats(&b, OK "X: "), 0);
	while (b.len <= LIMIT_HTTPHEAD)
		assert_int_equal(sbuf_catc(&b, 'x'), 0);
	assert_int_equal(sts_http(b.p, b.len, &body, &len, &why), -1);
	sbuf_clear(&b);
	assert_int_equal(sbuf_cats(&b, OK TEXT "Transfer-Encoding: chunked\r\n\r\n"), 0);
	for (size_t sum = 0; sum <= LIMIT_HTTPBODY; sum += 0x1000)
		assert_int_equal(sbuf_catf(&b, "1000\r\n%4096s\r\n", "x"), 0);
	assert_int_equal(sts_http(b.p, b.len, &body, &len, &why), -1);
	sbuf_free(&b);
}

/* ---- what is kept ---- */

static const char kept[] = "quoin-sts 1\nid 20261121T1\nfetched 1795262649\n"
			   "maxage 604800\nmode enforce\nmx mail.example\n"
			   "mx *.example\n";

static void keeps_records(void **state)
{
	static struct sts_record r;
	struct sbuf b = SBUF_INIT(LIMIT_STSRECORD);
	size_t n = strlen(kept);

	(void)state;
	assert_int_equal(sts_record_get(&r, kept, n), 0);
	assert_int_equal(sts_record_put(&b, &r), 0);
	assert_int_equal(b.len, n);
	assert_memory_equal(b.p, kept, n);
	for (size_t i = 0; i < n; i++) {
		char *p = exact(kept, i);

		/* whole but for its second host */
		if (i != n - strlen("mx *.example\n"))
			assert_int_equal(sts_record_get(&r, p, i), -1);
		free(p);
	}
	sbuf_free(&b);
}

static void caches(void **state)
{
	static struct sts_record r;
	static struct sts_record back;
	char home[] = "/tmp/sts-XXXXXX";
	char name[LIMIT_STSDOMAIN + 1];
	char path[128];

	(void)state;
	assert_non_null(mkdtemp(home));
	assert_int_equal(paths_under(home), 0);
	assert_int_equal(mkdir(paths.sts, 0700), 0);
	assert_int_equal(sts_cache_open(), 0);
	assert_int_equal(sts_record_get(&r, kept, strlen(kept)), 0);
	r.fetched = sts_now();
	assert_int_equal(sts_cache_get("a.example", &back), 0);
	assert_int_equal(sts_cache_put("a.example", &r), 0);
	assert_int_equal(sts_cache_get("a.example", &back), 1);
	assert_string_equal(back.id, r.id);
	assert_int_equal(back.nmx, 2);
	sts_cache_next(name);
	assert_string_equal(name, "a.example");
	sts_cache_next(name);
	assert_string_equal(name, "");
	/* too old: gone */
	r.fetched = sts_now() - r.max_age - 1;
	assert_int_equal(sts_cache_put("a.example", &r), 0);
	assert_int_equal(sts_cache_get("a.example", &back), 0);
	sts_cache_next(name);
	assert_string_equal(name, "");
	/* a clock that was set back does not end a policy */
	r.fetched = sts_now() + 1000000;
	assert_int_equal(sts_cache_put("a.example", &r), 0);
	assert_int_equal(sts_cache_get("a.example", &back), 1);
	/* torn */
	(void)snprintf(path, sizeof path, "%s/sts/a.example", home);
	assert_int_equal(truncate(path, 30), 0);
	assert_int_equal(sts_cache_get("a.example", &back), -1);
	assert_int_equal(unlink(path), 0);
	sts_cache_close();
	assert_int_equal(rmdir(paths.sts), 0);
	assert_int_equal(rmdir(home), 0);
}

static void remembers_for_a_while(void **state)
{
	(void)state;
	assert_false(sts_is_recent("a.example", 1000));
	sts_set_recent("a.example", 1000 + STS_RECENT_MS);
	assert_true(sts_is_recent("a.example", 1000));
	assert_true(sts_is_recent("a.example", 1000 + STS_RECENT_MS - 1));
	assert_false(sts_is_recent("a.example", 1000 + STS_RECENT_MS));
	assert_false(sts_is_recent("b.example", 1000));
}

/* ---- what is told ---- */

static const struct {
	const char *mx, *host;
	int is;
} hosts[] = {
    {"mail.example", "mail.example", 1},
    {"mail.example", "MAIL.Example.", 1},
    {"mail.example", "xmail.example", 0},
    {"mail.example", "example", 0},
    {"*.example", "mail.example", 1},
    {"*.example", "mail.example.", 1},
    {"*.example", "a.mail.example", 0},
    {"*.example", "example", 0},
    {"*.example", ".example", 0},
    {"*.example", "mail.example.org", 0},
    {"*.example", "", 0},
    {"*.example", "mail.", 0},
};

static void knows_hosts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(hosts); i++) {
		struct sts_policy p = {.mode = 'E', .nmx = 1, .mx = {hosts[i].mx}};

		if (sts_has_mx(&p, hosts[i].host) != hosts[i].is)
			print_error("%s %s\n", hosts[i].mx, hosts[i].host);
		assert_int_equal(sts_has_mx(&p, hosts[i].host), hosts[i].is);
	}
}

static const struct {
	const char *bytes;
	size_t n;
	char mode; /* 0: refused */
} frames[] = {
    {"N", 1, 'N'},
    {"E1\0\1a.b\0", 8, 'E'},
    {"Tid\0\2a.b\0*.c\0", 13, 'T'},
    {"Zlater\0", 7, 'Z'},
    {"Z\0", 2, 'Z'},
    {"", 0, 0},
    {"Nx", 2, 0},
    {"E", 1, 0},
    {"E1\0", 3, 0},
    {"E1\0\0", 4, 0},
    {"E\0\1a.b\0", 7, 0},
    {"E1 \0\1a.b\0", 9, 0},
    {"E1\0\1A.b\0", 8, 0},
    {"E1\0\1a.b", 7, 0},
    {"E1\0\1a.b\0x", 9, 0},
    {"E1\0\2a.b\0", 8, 0},
    {"E1\0\1*.*\0", 8, 0},
    {"E1\0\377a.b\0", 8, 0},
    {"Z\n\0", 3, 0},
    {"Zlater", 6, 0},
    {"X", 1, 0},
};

static void reads_frames(void **state)
{
	struct sts_policy *p = malloc(sizeof *p);
	char again[LIMIT_STSFRAME];
	size_t len;

	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < COUNT(frames); i++) {
		int r;

		memset(p->frame, 'x', sizeof p->frame);
		memcpy(p->frame, frames[i].bytes, frames[i].n);
		r = sts_answer_get(p, frames[i].n);
		if ((r == 0) != (frames[i].mode != 0))
			print_error("frame %zu: %d\n", i, r);
		assert_int_equal(r, frames[i].mode != 0 ? 0 : -1);
		if (r == -1)
			continue;
		assert_int_equal(p->mode, frames[i].mode);
		assert_int_equal(sts_answer_put(again, &len, p), 0);
		assert_int_equal(len, frames[i].n);
		assert_memory_equal(again, frames[i].bytes, len);
	}
	free(p);
}

static void asks_nobody_of_no_domain(void **state)
{
	static struct sts_policy p;
	char longest[300];

	(void)state;
	memset(longest, 'a', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	for (size_t i = 0; i < 5; i++) {
		const char *domain[] = {"", "[192.0.2.1]", "a..b", longest,
					"\xc3\xa9.example"};

		assert_int_equal(stsask(domain[i], &p, INT64_MAX), 0);
		assert_int_equal(p.mode, 'N');
	}
	/* nobody serves there: this host has no qsts */
	assert_int_equal(paths_under("/nonexistent"), 0);
	assert_int_equal(stsask("a.example", &p, INT64_MAX), 0);
	assert_int_equal(p.mode, 'N');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_txt),
	    cmocka_unit_test(reads_policies),
	    cmocka_unit_test(counts_hosts),
	    cmocka_unit_test(reads_http),
	    cmocka_unit_test(waits_for_the_rest),
	    cmocka_unit_test(limits_http),
	    cmocka_unit_test(keeps_records),
	    cmocka_unit_test(caches),
	    cmocka_unit_test(remembers_for_a_while),
	    cmocka_unit_test(knows_hosts),
	    cmocka_unit_test(reads_frames),
	    cmocka_unit_test(asks_nobody_of_no_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
