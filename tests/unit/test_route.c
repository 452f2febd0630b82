/* route, step 1: qmail's documented rules for locals, virtualdomains, percenthack,
 * envnoathost and smtproutes, as tables. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "paths.h"
#include "route.h"

static char dir[] = "/tmp/test_route.XXXXXX";

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL || paths_under(dir) == -1)
		return -1;
	return mkdir(paths.control, 0755);
}

static const char *const files[] = {"me",         "locals",      "virtualdomains",
				    "smtproutes", "percenthack", "envnoathost",
				    "localiphost"};

static void clear(void)
{
	char path[LIMIT_PATH];

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		(void)path_join(path, sizeof path, paths.control, files[i]);
		(void)unlink(path);
	}
}

static int teardown(void **state)
{
	(void)state;
	clear();
	(void)rmdir(paths.control);
	return rmdir(dir);
}

static void put(const char *name, const char *text)
{
	char path[LIMIT_PATH];
	FILE *f = fopen(path_join(path, sizeof path, paths.control, name), "w");

	assert_non_null(f);
	assert_int_not_equal(fputs(text, f), EOF);
	assert_int_equal(fclose(f), 0);
}

struct want {
	const char *rcpt;
	enum route_kind kind;
	const char *address; /* NULL: EINVAL */
	const char *who;     /* the local part to look up, or the relay */
};

static void check(const struct want *w, size_t n)
{
	struct route *r = route_load();

	if (r == NULL)
		fail_msg("route_load: %s", route_error());
	for (size_t i = 0; i < n; i++) {
		struct route_to to;
		int got;

		got = route_address(r, w[i].rcpt, &to, NULL, NULL);
		if (w[i].address == NULL) {
			assert_int_equal(got, -1);
			assert_int_equal(errno, EINVAL);
			continue;
		}
		if (got == -1)
			fail_msg("%s: %s", w[i].rcpt, route_error());
		assert_string_equal(to.address, w[i].address);
		assert_int_equal(to.kind, w[i].kind);
		assert_string_equal(to.kind == ROUTE_LOCAL ? to.local : to.relay,
				    w[i].who);
	}
	route_free(r);
}
#define CHECK(w) check(w, sizeof(w) / sizeof *(w))

#define L ROUTE_LOCAL
#define R ROUTE_REMOTE

static void me_alone(void **state)
{
	static const struct want want[] = {
	    {"joe@mx.example", L, "joe@mx.example", "joe"},
	    {"joe@MX.Example", L, "joe@MX.Example", "joe"},
	    {"joe@mx.example.", L, "joe@mx.example", "joe"},
	    {"joe", L, "joe@mx.example", "joe"},
	    {"Joe.X@mx.example", L, "Joe.X@mx.example", "Joe.X"},
	    {"a@b@mx.example", L, "a@b@mx.example", "a@b"},
	    {"joe@[127.0.0.1]", L, "joe@mx.example", "joe"},
	    {"joe@[IPv6:::ffff]", R, "joe@[IPv6:::ffff]", ""},
	    {"joe@[192.0.2.77]", R, "joe@[192.0.2.77]", ""},
	    {"joe@sub.mx.example", R, "joe@sub.mx.example", ""},
	    {"joe@example", R, "joe@example", ""},
	    {"joe%a@mx.example", L, "joe%a@mx.example", "joe%a"},
	    {"@mx.example", L, NULL, NULL},
	    {"joe@", L, NULL, NULL},
	    {"joe@.", L, NULL, NULL},
	    {"", L, NULL, NULL},
	};

	(void)state;
	clear();
	put("me", "mx.example\n");
	CHECK(want);
}

static void empty_locals(void **state)
{
	static const struct want want[] = {
	    {"joe@mx.example", R, "joe@mx.example", ""},
	};

	(void)state;
	clear();
	put("me", "mx.example\n");
	put("locals", "# nothing is local\n");
	CHECK(want);
}

static void virtual(void **state)
{
	static const struct want want[] = {
	    {"a@local.example", L, "a@local.example", "a"},
	    /* the whole address first, then the domain, its parents, everything */
	    {"boss@corp.example", L, "boss@corp.example", "chief-boss"},
	    {"BOSS@Corp.Example", L, "BOSS@Corp.Example", "chief-BOSS"},
	    {"x@corp.example", L, "x@corp.example", "corp-x"},
	    {"x@a.corp.example", L, "x@a.corp.example", "sub-x"},
	    {"x@b.a.corp.example", L, "x@b.a.corp.example", "sub-x"},
	    {"x@free.corp.example", R, "x@free.corp.example", ""},
	    {"x@y.free.corp.example", L, "x@y.free.corp.example", "sub-x"},
	    {"x@elsewhere.example", L, "x@elsewhere.example", "all-x"},
	    {"free@elsewhere.example", R, "free@elsewhere.example", ""},
	    {"x@both.example", L, "x@both.example", "x"},
	    {"x@twice.example", L, "x@twice.example", "two-x"},
	    {"a@b@corp.example", L, "a@b@corp.example", "corp-a@b"},
	    {"x@[192.0.2.1]", L, "x@[192.0.2.1]", "all-x"},
	};

	(void)state;
	clear();
	put("me", "mx.example\n");
	put("locals", "local.example  \nboth.example\n");
	put("virtualdomains", "# comment\n\nboss@corp.example:chief\n"
			      "Corp.Example:corp\n.corp.example:sub\n"
			      "free.corp.example:\n:all\nfree@elsewhere.example:\n"
			      "both.example:lost\ntwice.example:one\n"
			      "twice.example:two\n");
	CHECK(want);
}

static void percent(void **state)
{
	static const struct want want[] = {
	    {"joe%b.example@hack.example", R, "joe@b.example", ""},
	    {"joe%local.example@hack.example", L, "joe@local.example", "joe"},
	    {"a%c.example%hack.example@hack.example", R, "a@c.example", ""},
	    {"a%c%hack2.example@hack.example", R, "a%c@hack2.example", ""},
	    {"joe@hack.example", L, "joe@hack.example", "joe"},
	    {"%b@hack.example", L, "%b@hack.example", "%b"},
	    {"b%@hack.example", L, "b%@hack.example", "b%"},
	    {"b%.@hack.example", L, NULL, NULL},
	    {"joe%b.example@other.example", R, "joe%b.example@other.example", ""},
	};
	char longest[700];
	struct want huge[] = {{longest, R, NULL, NULL}};

	(void)state;
	clear();
	put("me", "mx.example\n");
	put("locals", "local.example\nhack.example\n");
	put("percenthack", "hack.example\n");
	CHECK(want);
	/* what becomes the domain is as long as a local part may be */
	(void)snprintf(longest, sizeof longest, "a%%%0300d@hack.example", 0);
	CHECK(huge);
}

static void no_host(void **state)
{
	static const struct want want[] = {
	    {"joe", R, "joe@out.example", ""},
	    {"joe@[127.0.0.1]", L, "joe@in.example", "joe"},
	    {"joe@[127.9.9.9]", L, "joe@in.example", "joe"},
	    {"joe@[IPv6:::1]", L, "joe@in.example", "joe"},
	};

	(void)state;
	clear();
	put("me", "mx.example\n");
	put("locals", "in.example\n");
	put("envnoathost", "out.example\n");
	put("localiphost", "in.example\n");
	CHECK(want);
}

static void routes(void **state)
{
	static const struct want want[] = {
	    {"x@one.example", R, "x@one.example", "relay.example"},
	    {"x@ONE.example", R, "x@ONE.example", "relay.example"},
	    {"x@two.example", R, "x@two.example", "relay.example 2525"},
	    {"x@a.two.example", R, "x@a.two.example", "[192.0.2.5]"},
	    {"x@b.a.two.example", R, "x@b.a.two.example", "[192.0.2.5]"},
	    {"x@six.example", R, "x@six.example", "[2001:db8::1] 26"},
	    {"x@sixplain.example", R, "x@sixplain.example", "[2001:db8::1]"},
	    {"x@mx.two.example", R, "x@mx.two.example", ""},
	    {"x@colon.example", R, "x@colon.example", "host"},
	    {"x@any.example", R, "x@any.example", "smart.example 587"},
	    {"x@list.example", R, "x@list.example", "a.example 2525,b.example"},
	    {"x@balance.example", R, "x@balance.example",
	     "a.example/[2001:db8::1] 26,[192.0.2.5]"},
	    {"x@no.example", R, "x@no.example", "error:5.4.1 Not from here."},
	};

	(void)state;
	clear();
	put("me", "me.example\n");
	put("smtproutes", "one.example:relay.example.\ntwo.example:relay.example:2525\n"
			  ".two.example:[192.0.2.5]\nmx.two.example:\n"
			  "six.example:[2001:db8::1]:26\n"
			  "sixplain.example:[2001:db8::1]\n"
			  "colon.example:host:\n:smart.example:587\n"
			  "list.example:a.example:2525,b.example:25\n"
			  "balance.example:a.example/[2001:db8::1]:26,[192.0.2.5]\n"
			  "no.example:error:5.4.1 Not from here.\n");
	CHECK(want);
}

static void broken_files(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		const char *why;
	} t[] = {
	    {"virtualdomains", "ok.example:a\nno-colon\n", "line 2"},
	    {"virtualdomains", "a b:c\n", "blank"},
	    {"virtualdomains", "a.example:b c\n", "blank"},
	    {"virtualdomains", "a.example:b@c\n", "@"},
	    {"smtproutes", "x\n", "line 1"},
	    {"smtproutes", "\n#\nx:relay:0\n", "line 3"},
	    {"smtproutes", "x:relay:65536\n", "65535"},
	    {"smtproutes", "x:relay:25 user password\n", "relay"},
	    {"smtproutes", "x::25\n", "relay"},
	    {"smtproutes", "x:[::1\n", "relay"},
	    {"smtproutes", "x:a,\n", "relay"},
	    {"smtproutes", "x:,a\n", "relay"},
	    {"smtproutes", "x:a//b\n", "relay"},
	    {"smtproutes", "x:a, b\n", "relay"},
	    {"smtproutes", "x:a,b:0\n", "relay"},
	    {"smtproutes", "x:error:2.0.0 fine\n", "relay"},
	    {"smtproutes", "x:error:5.4.1\n", "relay"},
	    {"locals", "two words\n", "line 1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		clear();
		put("me", "mx.example\n");
		put(t[i].name, t[i].text);
		assert_null(route_load());
		assert_non_null(strstr(route_error(), t[i].name));
		assert_non_null(strstr(route_error(), t[i].why));
	}
	clear();
	assert_null(route_load());
	assert_non_null(strstr(route_error(), "control/me"));
}

/* A table as large as a hoster's. */
static void hundred_thousand(void **state)
{
	char path[LIMIT_PATH];
	struct route *r;
	FILE *f;

	(void)state;
	clear();
	put("me", "mx.example\n");
	f = fopen(path_join(path, sizeof path, paths.control, "virtualdomains"), "w");
	assert_non_null(f);
	for (int i = 0; i < 100000; i++)
		assert_true(fprintf(f, "customer-%d.hosting.example:u%d\n", i, i) > 0);
	assert_int_equal(fclose(f), 0);
	r = route_load();
	assert_non_null(r);
	for (int i = 0; i < 100000; i += 13) {
		char rcpt[64];
		char local[32];
		struct route_to to;

		(void)snprintf(rcpt, sizeof rcpt, "x@customer-%d.hosting.example", i);
		(void)snprintf(local, sizeof local, "u%d-x", i);
		assert_int_equal(route_address(r, rcpt, &to, NULL, NULL), 0);
		assert_string_equal(to.local, local);
	}
	route_free(r);
}

enum { TRACED = 2000 };

static void collect(void *arg, const char *text)
{
	char *all = arg;
	size_t n = strlen(all);

	(void)snprintf(all + n, TRACED - n, "%s\n", text);
}

static void traced(void **state)
{
	char text[TRACED] = "";
	struct route *r;
	struct route_to to;

	(void)state;
	clear();
	put("me", "mx.example\n");
	put("virtualdomains", "#\n.example.net:joe\n");
	put("smtproutes", ":smart.example\n");
	r = route_load();
	assert_non_null(r);
	assert_int_equal(route_address(r, "root", &to, collect, text), 0);
	assert_int_equal(route_address(r, "a@b.example.net", &to, collect, text), 0);
	assert_int_equal(route_address(r, "a@b.example", &to, collect, text), 0);
	assert_string_equal(
	    text,
	    "control/envnoathost: no domain: root@mx.example\n"
	    "control/me line 1: mx.example is local\n"
	    "control/virtualdomains line 2: \".example.net\" belongs to joe: joe-a\n"
	    "control/smtproutes line 1: remote: to smart.example\n");
	route_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(me_alone),     cmocka_unit_test(empty_locals),
	    cmocka_unit_test(virtual),      cmocka_unit_test(percent),
	    cmocka_unit_test(no_host),      cmocka_unit_test(routes),
	    cmocka_unit_test(broken_files), cmocka_unit_test(hundred_thousand),
	    cmocka_unit_test(traced),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
