#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "addr.h"

/* A block of exactly n bytes, so that ASan sees a read too far. */
static char *exact(const char *p, size_t n)
{
	char *b = malloc(n > 0 ? n : 1);

	assert_non_null(b);
	memcpy(b, p, n);
	return b;
}

struct path_case {
	const char *name;
	const char *in;
	const char *kept; /* NULL: refused */
	size_t used;      /* 0: all of it */
	int routed;
};

static const struct path_case paths_ok[] = {
    {"plain", "<a@b.example>", "a@b.example", 0, 0},
    {"null", "<>", "", 0, 0},
    {"parameter behind", "<a@b> SIZE=3", "a@b", 5, 0},
    {"no domain", "<postmaster>", "postmaster", 0, 0},
    {"quoted", "<\"a b\"@x>", "a b@x", 0, 0},
    {"quoted needlessly", "<\"ab\"@x>", "ab@x", 0, 0},
    {"quoted pair", "<\"a\\\"b\\\\c\"@x>", "a\"b\\c@x", 0, 0},
    {"quoted at", "<\"a@b\"@x>", "a@b@x", 0, 0},
    {"quoted bracket", "<\"a>b\"@x>", "a>b@x", 0, 0},
    {"dots", "<.a..b.@x>", ".a..b.@x", 0, 0},
    {"atext", "<!#$%&'*+-/=?^_`{|}~@x>", "!#$%&'*+-/=?^_`{|}~@x", 0, 0},
    {"8-bit local", "<\xc3\xa4@x>", "\xc3\xa4@x", 0, 0},
    {"8-bit domain", "<a@b\xc3\xbc.example>", "a@b\xc3\xbc.example", 0, 0},
    {"final dot", "<a@b.example.>", "a@b.example", 0, 0},
    {"underscore", "<a@_b.example>", "a@_b.example", 0, 0},
    {"case kept", "<A@B.Example>", "A@B.Example", 0, 0},
    {"route", "<@r.example:a@b>", "a@b", 0, 1},
    {"long route", "<@r,@s.,@[127.0.0.1]:a@b>", "a@b", 0, 1},
    {"literal", "<a@[192.0.2.1]>", "a@[192.0.2.1]", 0, 0},
    {"literal 6", "<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", 0, 0},
    {"literal 6, case", "<a@[ipv6:::ffff:192.0.2.1]>", "a@[ipv6:::ffff:192.0.2.1]", 0, 0},
    {"percent", "<a%b@x>", "a%b@x", 0, 0},
    {"bang", "<b!a@x>", "b!a@x", 0, 0},
    {"empty", "", NULL, 0, 0},
    {"no bracket", "a@b", NULL, 0, 0},
    {"not closed", "<a@b", NULL, 0, 0},
    {"only opened", "<", NULL, 0, 0},
    {"no local", "<@b>", NULL, 0, 0},
    {"empty quoted", "<\"\"@b>", NULL, 0, 0},
    {"no domain behind @", "<a@>", NULL, 0, 0},
    {"two @", "<a@b@c>", NULL, 0, 0},
    {"space", "<a b@c>", NULL, 0, 0},
    {"space at the end", "<a@c >", NULL, 0, 0},
    {"space at the start", "< a@c>", NULL, 0, 0},
    {"nested", "<<a@c>>", NULL, 0, 0},
    {"comment", "<a(b)@c>", NULL, 0, 0},
    {"comment in domain", "<a@c(b)>", NULL, 0, 0},
    {"two dots in domain", "<a@b..c>", NULL, 0, 0},
    {"two final dots", "<a@b..>", NULL, 0, 0},
    {"dot first", "<a@.b>", NULL, 0, 0},
    {"only a dot", "<a@.>", NULL, 0, 0},
    {"hyphen first", "<a@-b>", NULL, 0, 0},
    {"hyphen last", "<a@b-.c>", NULL, 0, 0},
    {"backslash", "<a\\b@c>", NULL, 0, 0},
    {"quote not closed", "<\"a@c>", NULL, 0, 0},
    {"quoted pair at the end", "<\"a\\", NULL, 0, 0},
    {"quoted control", "<\"a\tb\"@c>", NULL, 0, 0},
    {"quoted pair control", "<\"a\\\nb\"@c>", NULL, 0, 0},
    {"delete", "<\"a\x7f\"@c>", NULL, 0, 0},
    {"behind the quotes", "<\"a\"b@c>", NULL, 0, 0},
    {"@ in a local part alone", "<\"a@b\">", NULL, 0, 0},
    {"literal too large", "<a@[256.1.1.1]>", NULL, 0, 0},
    {"literal short", "<a@[1.1.1]>", NULL, 0, 0},
    {"literal not closed", "<a@[1.1.1.1>", NULL, 0, 0},
    {"literal 6 without tag", "<a@[2001:db8::1]>", NULL, 0, 0},
    {"literal and more", "<a@[1.1.1.1]x>", NULL, 0, 0},
    {"literal of a name", "<a@[b.example]>", NULL, 0, 0},
    {"literal empty", "<a@[]>", NULL, 0, 0},
    {"route alone", "<@r:>", NULL, 0, 0},
    {"route not ended", "<@r", NULL, 0, 0},
    {"route of a local part", "<@r:a>", "a", 0, 1},
    {"route with comma last", "<@r,:a@b>", NULL, 0, 0},
};

static void parses_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof paths_ok / sizeof *paths_ok; i++) {
		const struct path_case *c = &paths_ok[i];
		size_t n = strlen(c->in);
		char *in = exact(c->in, n);
		char kept[LIMIT_ADDRESS + 1];
		size_t used = 0;
		int routed = -1;
		int r = addr_parse_path(in, n, kept, &used, &routed);

		if (r != (c->kept != NULL ? 0 : -1))
			fail_msg("%s: result %d", c->name, r);
		if (r == 0) {
			assert_string_equal(kept, c->kept);
			assert_int_equal(used, c->used ? c->used : n);
			assert_int_equal(routed, c->routed);
		} else {
			assert_int_equal(errno, EINVAL);
		}
		free(in);
	}
}

static void refuses_nul(void **state)
{
	static const char *const in[] = {"<a?@b>", "<a@b?>", "<\"?\"@b>",
					 "<a@[1.1.1.1?]>", "<?>"};
	char kept[LIMIT_ADDRESS + 1];
	size_t used;

	(void)state;
	for (size_t i = 0; i < sizeof in / sizeof *in; i++) {
		size_t n = strlen(in[i]);
		char *b = exact(in[i], n);

		*(char *)memchr(b, '?', n) = '\0';
		assert_int_equal(addr_parse_path(b, n, kept, &used, NULL), -1);
		free(b);
	}
}

/* "<" local "@" domain ">" of the wanted sizes, labels of 60. */
static int parse_sized(size_t local, size_t domain, int quoted)
{
	size_t n = local + domain + 3 + (quoted ? 2 : 0);
	char *b = malloc(n);
	char *d;
	char kept[LIMIT_ADDRESS + 1];
	size_t used;
	int r;

	assert_non_null(b);
	memset(b, 'x', n);
	b[0] = '<';
	b[n - 1] = '>';
	d = b + n - 1 - domain;
	d[-1] = '@';
	for (size_t i = 60; i + 1 < domain; i += 60)
		d[i] = '.';
	if (quoted)
		b[1] = d[-2] = '"';
	r = addr_parse_path(b, n, kept, &used, NULL);
	if (r == 0)
		assert_int_equal(strlen(kept), local + domain + 1);
	free(b);
	return r;
}

static void keeps_limits(void **state)
{
	(void)state;
	for (int quoted = 0; quoted < 2; quoted++) {
		assert_int_equal(parse_sized(LIMIT_LOCAL, LIMIT_DOMAIN, quoted), 0);
		assert_int_equal(parse_sized(LIMIT_LOCAL + 1, 10, quoted), -1);
		assert_int_equal(errno, EMSGSIZE);
		assert_int_equal(parse_sized(10, LIMIT_DOMAIN + 1, quoted), -1);
		assert_int_equal(errno, EMSGSIZE);
	}
}

static void refuses_long_label(void **state)
{
	char s[80];
	char kept[LIMIT_ADDRESS + 1];

	(void)state;
	memset(s, 'x', sizeof s);
	memcpy(s, "a@", 2);
	s[2 + 63] = '\0';
	assert_int_equal(addr_parse(s, kept), 0);
	s[2 + 63] = 'x';
	s[2 + 64] = '\0';
	assert_int_equal(addr_parse(s, kept), -1);
	assert_int_equal(errno, EMSGSIZE);
}

static void parses_bare(void **state)
{
	char kept[LIMIT_ADDRESS + 1];

	(void)state;
	assert_int_equal(addr_parse("a@b", kept), 0);
	assert_string_equal(kept, "a@b");
	assert_int_equal(addr_parse("\"a b\"@c.", kept), 0);
	assert_string_equal(kept, "a b@c");
	assert_int_equal(addr_parse("", kept), -1);
	assert_int_equal(addr_parse("<a@b>", kept), -1);
	assert_int_equal(addr_parse("a@b x", kept), -1);
	assert_int_equal(addr_parse("@r:a@b", kept), -1);
}

static void finds_domain(void **state)
{
	(void)state;
	assert_string_equal(addr_domain("a@b"), "b");
	assert_string_equal(addr_domain("a@b@c"), "c");
	assert_null(addr_domain("postmaster"));
	assert_null(addr_domain(""));
}

static void quotes(void **state)
{
	static const struct {
		const char *kept, *out;
	} cases[] = {
	    {"", ""},
	    {"a@b", "a@b"},
	    {"a.b@c", "a.b@c"},
	    {"postmaster", "postmaster"},
	    {"a b@c", "\"a b\"@c"},
	    {"a@b@c", "\"a@b\"@c"},
	    {"a\"\\@c", "\"a\\\"\\\\\"@c"},
	    {".a@c", "\".a\"@c"},
	    {"a.@c", "\"a.\"@c"},
	    {"a..b@c", "\"a..b\"@c"},
	    {"\xc3\xa4@c", "\xc3\xa4@c"},
	};
	char out[2 * LIMIT_ADDRESS];
	char tiny[7];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(addr_quote(cases[i].kept, out, sizeof out), 0);
		assert_string_equal(out, cases[i].out);
	}
	assert_int_equal(addr_quote("a b@c", tiny, sizeof tiny), -1);
	assert_int_equal(errno, EMSGSIZE);
}

static void compares_domains(void **state)
{
	(void)state;
	assert_true(domain_equal("B.Example", "b.eXAMPLE"));
	assert_true(domain_equal("b.example.", "b.example"));
	assert_true(domain_equal("", ""));
	assert_false(domain_equal("b.example", "b.exampl"));
	assert_false(domain_equal("b.example", "ab.example"));
	assert_false(domain_equal("b[", "b{"));
}

static void reads_literals(void **state)
{
	static const char *const bad[] = {
	    "",          "[",        "[]",      "192.0.2.1",
	    "[1.2]",     "[1.2.3.4", "[IPv6:]", "[IPv6:1.2.3.4]",
	    "[01.2.3.4]"};
	unsigned char ip[16];
	int family;

	(void)state;
	assert_int_equal(addr_literal("[192.0.2.1]", &family, ip), 0);
	assert_int_equal(family, AF_INET);
	assert_memory_equal(ip, "\xc0\x00\x02\x01", 4);
	assert_int_equal(addr_literal("[IPv6:2001:db8::1]", &family, ip), 0);
	assert_int_equal(family, AF_INET6);
	assert_memory_equal(ip, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(addr_literal(bad[i], &family, ip), -1);
}

static void knows_roles(void **state)
{
	(void)state;
	assert_true(addr_is_role("postmaster"));
	assert_true(addr_is_role("PostMaster@x"));
	assert_true(addr_is_role("abuse@x"));
	assert_false(addr_is_role("abuser@x"));
	assert_false(addr_is_role("postmaster-x@x"));
	assert_false(addr_is_role(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(knows_roles),        cmocka_unit_test(parses_paths),
	    cmocka_unit_test(refuses_nul),        cmocka_unit_test(keeps_limits),
	    cmocka_unit_test(refuses_long_label), cmocka_unit_test(parses_bare),
	    cmocka_unit_test(finds_domain),       cmocka_unit_test(quotes),
	    cmocka_unit_test(compares_domains),   cmocka_unit_test(reads_literals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
