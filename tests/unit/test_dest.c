/* qremote/dest with a DNS of its own: order, self cut, null MX, what is never tried. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <cmocka.h>

#include "../../qremote/dest.h"

/* ---- a zone in place of lib/dns.c ---- */

struct zone_line {
	const char *name;
	uint16_t type;
	const char *value; /* "10 mx.test", an address, or NULL: ask later */
};

static const struct zone_line zone[] = {
    {"two.test", DNS_MX, "20 b.test"},
    {"two.test", DNS_MX, "10 a.test"},
    {"equal.test", DNS_MX, "10 a.test"},
    {"equal.test", DNS_MX, "10 b.test"},
    {"null.test", DNS_MX, "0 "},
    {"notnull.test", DNS_MX, "0 "},
    {"notnull.test", DNS_MX, "10 a.test"},
    {"addr.test", DNS_MX, "0 192.0.2.66"},
    {"addr.test", DNS_MX, "10 a.test"},
    {"self.test", DNS_MX, "10 a.test"},
    {"self.test", DNS_MX, "20 q.example"},
    {"self.test", DNS_MX, "20 b.test"},
    {"self.test", DNS_MX, "30 c.test"},
    {"selfaddr.test", DNS_MX, "10 a.test"},
    {"selfaddr.test", DNS_MX, "20 mine.test"},
    {"selfaddr.test", DNS_MX, "30 b.test"},
    {"loops.test", DNS_MX, "10 Q.EXAMPLE"},
    {"loops.test", DNS_MX, "20 a.test"},
    {"lo.test", DNS_MX, "10 lo4.test"},
    {"lo6.test", DNS_MX, "10 mapped.test"},
    {"link.test", DNS_MX, "10 link4.test"},
    {"link.test", DNS_MX, "20 a.test"},
    {"gone.test", DNS_MX, "10 nowhere.test"},
    {"later.test", DNS_MX, NULL},
    {"latera.test", DNS_MX, "10 silent.test"},
    {"latera.test", DNS_MX, "20 a.test"},
    {"laterall.test", DNS_MX, "10 silent.test"},
    {"laterself.test", DNS_MX, "10 silent.test"},
    {"laterself.test", DNS_MX, "20 q.example"},
    {"fall.test", DNS_MX, "10 a.test"},
    {"fall.test", DNS_A, "192.0.2.77"},
    {"hostonly.test", DNS_A, "192.0.2.4"},
    {"hostonly.test", DNS_AAAA, "2001:db8::4"},
    {"hostself.test", DNS_A, "192.0.2.250"},
    {"a.test", DNS_A, "192.0.2.1"},
    {"a.test", DNS_AAAA, "2001:db8::1"},
    {"b.test", DNS_A, "192.0.2.2"},
    {"c.test", DNS_A, "192.0.2.3"},
    {"mine.test", DNS_A, "192.0.2.250"},
    {"lo4.test", DNS_A, "127.0.0.1"},
    {"mapped.test", DNS_AAAA, "::ffff:127.0.0.1"},
    {"link4.test", DNS_A, "169.254.1.1"},
    {"link4.test", DNS_AAAA, "fe80::1"},
    {"silent.test", DNS_A, NULL},
    {"silent.test", DNS_AAAA, NULL},
    {"zero.test", DNS_A, "0.0.0.0"},
};

static unsigned questions;

static size_t put_name(uint8_t *p, const char *s)
{
	uint8_t *start = p;

	while (*s != '\0') {
		size_t n = strcspn(s, ".");

		*p++ = (uint8_t)n;
		memcpy(p, s, n);
		p += n;
		s += n + (s[n] == '.');
	}
	*p++ = 0;
	return (size_t)(p - start);
}

static void put_record(struct dns_answer *a, const char *value)
{
	struct dns_record *r = &a->record[a->count++];
	uint8_t *p = a->msg + a->len;

	r->offset = (uint16_t)a->len;
	if (a->type == DNS_MX) {
		p[0] = 0;
		p[1] = (uint8_t)strtoul(value, NULL, 10);
		r->len = (uint16_t)(2 + put_name(p + 2, strchr(value, ' ') + 1));
	} else {
		r->len = a->type == DNS_A ? 4 : 16;
		assert_int_equal(
		    inet_pton(a->type == DNS_A ? AF_INET : AF_INET6, value, p), 1);
	}
	a->len += r->len;
}

int dns_query(struct dns *d, const char *name, uint16_t type, struct dns_answer *a,
	      int64_t deadline)
{
	int exists = 0;

	(void)d;
	(void)deadline;
	questions++;
	a->type = type;
	a->count = 0;
	a->len = 12;
	if (strstr(name, "..") != NULL) {
		errno = EINVAL;
		return -1;
	}
	for (size_t i = 0; i < sizeof zone / sizeof *zone; i++) {
		if (strcasecmp(zone[i].name, name) != 0)
			continue;
		exists = 1;
		if (zone[i].type == type && zone[i].value == NULL) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (zone[i].type == type)
			put_record(a, zone[i].value);
	}
	a->nxdomain = !exists;
	return a->count > 0;
}

const char *dns_error(const struct dns *d)
{
	(void)d;
	return "no answer";
}

/* ---- the tests ---- */

static struct self self = {.name = {(char[]){"q.example"}, NULL, NULL},
			   .naddrs = 1,
			   .addr = {{2 /* AF_INET */, {192, 0, 2, 250}}}};
static struct dest dest;

/* The targets as "ip ip …", with ":port" if it is not 25. */
static const char *targets(const char *domain, const char *route, unsigned flags)
{
	static char all[4096];
	struct target t;

	all[0] = '\0';
	dest_open(&dest, NULL, &self, domain, route, flags);
	while (dest_next(&dest, &t)) {
		size_t n = strlen(all);

		(void)snprintf(all + n, sizeof all - n, t.port == 25 ? "%s%s" : "%s%s:%u",
			       n > 0 ? " " : "", t.ip, t.port);
	}
	return all;
}

static void finds_hosts(void **state)
{
	static const struct {
		const char *domain, *route;
		uintptr_t flags;
		const char *want;
		intptr_t letter; /* when there is none */
		const char *text;
	} row[] = {
	    {"two.test", "", 0, "2001:db8::1 192.0.2.1 192.0.2.2", 0, ""},
	    {"hostonly.test", "", 0, "2001:db8::4 192.0.2.4", 0, ""},
	    {"notnull.test", "", 0, "2001:db8::1 192.0.2.1", 0, ""},
	    {"addr.test", "", 0, "2001:db8::1 192.0.2.1", 0, ""},
	    {"self.test", "", 0, "2001:db8::1 192.0.2.1", 0, ""},
	    {"selfaddr.test", "", 0, "2001:db8::1 192.0.2.1", 0, ""},
	    {"link.test", "", 0, "2001:db8::1 192.0.2.1", 0, ""},
	    {"latera.test", "", 0, "2001:db8::1 192.0.2.1", 0, ""},
	    {"fall.test", "", 0, "2001:db8::1 192.0.2.1", 0, ""},
	    {"hostonly.test", "", DEST_IPV4_FIRST, "192.0.2.4 2001:db8::4", 0, ""},
	    {"two.test", "", DEST_IPV4_FIRST, "192.0.2.1 2001:db8::1 192.0.2.2", 0, ""},
	    {"fall.test", "", DEST_FALLBACK, "2001:db8::1 192.0.2.1 192.0.2.77", 0, ""},
	    {"hostonly.test", "", DEST_FALLBACK, "2001:db8::4 192.0.2.4", 0, ""},
	    {"null.test", "", 0, "", 'D', "5.1.10"},
	    {"null.test", "", DEST_FALLBACK, "", 'D', "5.1.10"},
	    {"loops.test", "", 0, "", 'D', "loops back"},
	    {"lo.test", "", 0, "", 'D', "loops back"},
	    {"lo6.test", "", 0, "", 'D', "loops back"},
	    {"hostself.test", "", 0, "", 'D', "loops back"},
	    {"zero.test", "", 0, "", 'D', "loops back"},
	    {"gone.test", "", 0, "", 'D', "5.4.4"},
	    {"no.test", "", 0, "", 'D', "5.1.2"},
	    {"a..test", "", 0, "", 'D', "5.1.2"},
	    {"later.test", "", 0, "", 'Z', "4.4.3"},
	    {"laterall.test", "", 0, "", 'Z', "4.4.3"},
	    {"laterself.test", "", 0, "", 'Z', "4.4.6"},
	    {"[192.0.2.9]", "", 0, "192.0.2.9", 0, ""},
	    {"[IPv6:2001:db8::9]", "", 0, "2001:db8::9", 0, ""},
	    {"[127.0.0.1]", "", 0, "", 'D', "5.1.2"},
	    {"[192.0.2.250]", "", 0, "", 'D', "5.1.2"},
	    {"[169.254.0.1]", "", 0, "", 'D', "5.1.2"},
	    {"[IPv6:::1]", "", 0, "", 'D', "5.1.2"},
	    {"[IPv6:fe80::1]", "", 0, "", 'D', "5.1.2"},
	    {"[224.0.0.1]", "", 0, "", 'D', "5.1.2"},
	    {"[x]", "", 0, "", 'D', "5.1.2"},
	    {"two.test", "127.0.0.1 2525", 0, "127.0.0.1:2525", 0, ""},
	    {"two.test", "[127.0.0.1] 2525", 0, "127.0.0.1:2525", 0, ""},
	    {"two.test", "::1", 0, "::1", 0, ""},
	    {"two.test", "[IPv6:::1] 26", 0, "::1:26", 0, ""},
	    {"two.test", "[::1] 26", 0, "::1:26", 0, ""},
	    {"two.test", "mine.test", 0, "192.0.2.250", 0, ""},
	    {"two.test", "lo4.test 26", DEST_FALLBACK, "127.0.0.1:26", 0, ""},
	    {"two.test", "nowhere.test", 0, "", 'Z', "4.4.1"},
	    {"two.test", "silent.test", 0, "", 'Z', "4.4.3"},
	    {"two.test", "a.test x", 0, "", 'Z', "4.4.1"},
	    {"two.test", "b.test 26,192.0.2.9", 0, "192.0.2.2:26 192.0.2.9", 0, ""},
	    {"two.test", "[::1] 26,nowhere.test,b.test", 0, "::1:26 192.0.2.2", 0, ""},
	    {"two.test", "c.test,silent.test,b.test", 0, "192.0.2.3 192.0.2.2", 0, ""},
	    {"two.test", "b.test,", 0, "", 'Z', "4.4.1"},
	    {"two.test", "error:5.4.1 Local only.", 0, "", 'D', "5.4.1 Local only."},
	    {"two.test", "error:4.3.2 Moving.", 0, "", 'Z', "4.3.2 Moving."},
	    {"two.test", "", DEST_IPV4_ONLY, "192.0.2.1 192.0.2.2", 0, ""},
	    {"two.test", "::1,a.test", DEST_IPV4_ONLY, "192.0.2.1", 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		const char *got =
		    targets(row[i].domain, row[i].route, (unsigned)row[i].flags);

		if (strcmp(got, row[i].want) != 0 ||
		    (row[i].letter != 0 && (dest.letter != row[i].letter ||
					    strstr(dest.text, row[i].text) == NULL)))
			fail_msg("%s %s: \"%s\" %c %s", row[i].domain, row[i].route, got,
				 dest.letter, dest.text);
	}
}

static void shuffles_equals(void **state)
{
	unsigned first_a = 0;

	(void)state;
	for (int i = 0; i < 400; i++)
		first_a += strncmp(targets("equal.test", "", 0), "2001", 4) == 0;
	assert_in_range(first_a, 120, 280);
}

/* A group of a route likewise, and what stands behind the comma comes last. */
static void balances_a_group(void **state)
{
	unsigned first_b = 0;

	(void)state;
	for (int i = 0; i < 400; i++) {
		const char *got = targets("x.test", "b.test/c.test,192.0.2.9", 0);

		first_b += strcmp(got, "192.0.2.2 192.0.2.3 192.0.2.9") == 0;
		assert_string_equal(got + strlen(got) - 9, "192.0.2.9");
	}
	assert_in_range(first_b, 120, 280);
}

/* Only as far as needed: the second preference is not looked up before the first failed.
 */
static void looks_up_lazily(void **state)
{
	struct target t;

	(void)state;
	questions = 0;
	dest_open(&dest, NULL, &self, "two.test", "", 0);
	assert_int_equal(dest_next(&dest, &t), 1);
	assert_int_equal(questions, 3);
	assert_string_equal(t.host, "a.test");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_hosts),
	    cmocka_unit_test(shuffles_equals),
	    cmocka_unit_test(balances_a_group),
	    cmocka_unit_test(looks_up_lazily),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
