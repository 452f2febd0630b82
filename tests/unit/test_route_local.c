/* route, step 2: users/cdb, aliases.cdb, the system's users, ~alias; their order. */
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
#include "table.h"

static char dir[] = "/tmp/test_route_local.XXXXXX";

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL || paths_under(dir) == -1)
		return -1;
	return mkdir(paths.control, 0755) == -1 ? -1 : mkdir(paths.users, 0755);
}

static const char *in(const char *base, const char *name)
{
	static char path[LIMIT_PATH];

	return path_join(path, sizeof path, base, name);
}

static void clear(void)
{
	(void)unlink(in(paths.control, "userseparators"));
	(void)unlink(in(paths.control, "aliases.cdb"));
	(void)unlink(in(paths.users, "cdb"));
}

static int teardown(void **state)
{
	(void)state;
	clear();
	(void)rmdir(paths.control);
	(void)rmdir(paths.users);
	return rmdir(dir);
}

struct entry {
	const char *key;
	size_t keylen;
	const char *value;
	size_t len;
};
#define E(k, v)                                    \
	{                                          \
		k, sizeof(k) - 1, v, sizeof(v) - 1 \
	}

static void table(const char *path, const struct entry *e, size_t n)
{
	struct table_writer *w = table_create(path);

	assert_non_null(w);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
		    table_put(w, e[i].key, e[i].keylen, e[i].value, e[i].len), 0);
	assert_int_equal(table_commit(w), 0);
}

static const struct entry users[] = {
    E("!joe\0", "joe\0"
		"501\0"
		"51\0"
		"/home/joe\0"
		"\0"),
    E("!joe-", "joe\0"
	       "501\0"
	       "51\0"
	       "/home/joe\0"
	       "-\0"),
    E("!joe-list-", "mail\0"
		    "600\0"
		    "60\0"
		    "/lists\0"
		    "-\0"
		    "l-"),
    E("!both\0", "joe\0"
		 "501\0"
		 "51\0"
		 "/home/joe\0"
		 "-\0"
		 "both"),
    E("!zero\0", "root\0"
		 "0\0"
		 "0\0"
		 "/root\0"
		 "\0"),
    E("", "-"),
};

static const struct entry aliases[] = {
    E("info", "#3\0&joe\0"),
    E("both", "#4\0&other\0"),
    E("ann", "#5\0&joe\0"),
};

struct asked {
	unsigned count;
	char last[LIMIT_USER + 1];
};

/* The system's users: ann, ann-marie, bob, root and alias; dead does not answer. */
static int system_users(void *arg, const char *name, struct route_user *u)
{
	static const struct {
		const char *name;
		uid_t uid;
	} list[] = {{"alias", 700},
		    {"ann", 1001},
		    {"ann-marie", 1002},
		    {"root", 0},
		    {"bob", 1003}};
	struct asked *asked = arg;

	asked->count++;
	(void)snprintf(asked->last, sizeof asked->last, "%s", name);
	if (strcmp(name, "dead") == 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		if (strcmp(list[i].name, name) == 0) {
			u->uid = list[i].uid;
			u->gid = list[i].uid + 1000;
			(void)snprintf(u->name, sizeof u->name, "%s", name);
			(void)snprintf(u->home, sizeof u->home, "/home/%s", name);
			return 1;
		}
	return 0;
}

struct want {
	const char *local;
	const char *user; /* NULL: -1 */
	const char *dash;
	const char *ext;
	const char *alias;
	int catchall;
};

static void check(const struct want *w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct route_user u;
		struct asked asked = {0, ""};
		int r;

		r = route_local(w[i].local, system_users, &asked, &u, NULL, NULL);
		assert_int_equal(r, w[i].user == NULL ? -1 : 0);
		if (r == -1)
			continue;
		assert_string_equal(u.name, w[i].user);
		assert_string_equal(u.dash, w[i].dash);
		assert_string_equal(u.ext, w[i].ext);
		assert_string_equal(u.alias, w[i].alias);
		assert_int_equal(u.catchall, w[i].catchall);
	}
}
#define CHECK(w) check(w, sizeof(w) / sizeof *(w))

static void system_only(void **state)
{
	static const struct want want[] = {
	    {"bob", "bob", "", "", "", 0},
	    {"BOB", "bob", "", "", "", 0},
	    {"bob-Foo.Bar", "bob", "-", "Foo.Bar", "", 0},
	    {"bob+foo-bar", "bob", "-", "foo-bar", "", 0},
	    {"bob-", "bob", "-", "", "", 0},
	    {"ann-marie", "ann-marie", "", "", "", 0},
	    {"ann-marie-x", "ann-marie", "-", "x", "", 0},
	    {"ann-x-marie", "ann", "-", "x-marie", "", 0},
	    {"nobody-here", "alias", "-", "nobody-here", "", 1},
	    {"-", "alias", "-", "-", "", 1},
	    {"root", "alias", "-", "root", "", 1},
	    {"a b", "alias", "-", "a b", "", 1},
	    {"../bob", "alias", "-", "../bob", "", 1},
	    {"dead", NULL, NULL, NULL, NULL, 0},
	    {"dead-x", NULL, NULL, NULL, NULL, 0},
	};

	(void)state;
	clear();
	CHECK(want);
}

static void tables_first(void **state)
{
	static const struct want want[] = {
	    {"joe", "joe", "", "", "", 0},
	    {"JOE", "joe", "", "", "", 0},
	    {"joe-X.y", "joe", "-", "X.y", "", 0},
	    {"joe-list-A", "mail", "-", "l-A", "", 0},
	    {"joe-list", "joe", "-", "list", "", 0},
	    {"both", "joe", "-", "both", "", 0},
	    {"zero", "root", "", "", "", 0},
	    {"Info", "alias", "-", "Info", "info", 0},
	    {"info-x", "alias", "-", "info-x", "", 1},
	    {"ann", "alias", "-", "ann", "ann", 0},
	    {"ann-x", "ann", "-", "x", "", 0},
	    {"joel", "alias", "-", "joel", "", 1},
	};

	(void)state;
	clear();
	table(in(paths.users, "cdb"), users, sizeof users / sizeof *users);
	table(in(paths.control, "aliases.cdb"), aliases,
	      sizeof aliases / sizeof *aliases);
	CHECK(want);
}

/* "+:" comes behind the aliases and before the user database. */
static void everybody_wildcard(void **state)
{
	static const struct entry rest[] = {
	    E("!", "catch\0"
		   "650\0"
		   "65\0"
		   "/catch\0"
		   "-\0"),
	    E("", ""),
	};
	static const struct want want[] = {
	    {"bob", "catch", "-", "bob", "", 1},
	    {"info", "alias", "-", "info", "info", 0},
	};

	(void)state;
	clear();
	table(in(paths.users, "cdb"), rest, sizeof rest / sizeof *rest);
	table(in(paths.control, "aliases.cdb"), aliases,
	      sizeof aliases / sizeof *aliases);
	CHECK(want);
}

static void broken_tables(void **state)
{
	static const struct entry bad[][2] = {
	    {E("!joe\0", "joe\0x\0"
			 "51\0/home/joe\0\0"),
	     E("", "-")},
	    {E("!joe\0", "joe\0"
			 "501\0"
			 "51\0home/joe\0\0"),
	     E("", "-")},
	    {E("!joe\0", "joe\0"
			 "501\0"),
	     E("", "-")},
	    {E("!joe\0", ""), E("", "-")},
	    {E("!joe\0", "joe\0"
			 "501\0"
			 "51\0/home/joe\0a/b\0"),
	     E("", "-")},
	    {E("!joe\0", "joe\0"
			 "4294967295\0"
			 "51\0/home/joe\0\0"),
	     E("", "-")},
	    /* no list of wildcards */
	    {E("x", "y"), E("z", "")},
	};
	struct route_user u;
	struct asked asked = {0, ""};
	FILE *f;

	(void)state;
	clear();
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		table(in(paths.users, "cdb"), bad[i], 2);
		assert_int_equal(route_local("joe", system_users, &asked, &u, NULL, NULL),
				 -1);
		assert_non_null(strstr(route_error(), "users/cdb"));
	}
	clear();
	f = fopen(in(paths.control, "aliases.cdb"), "w");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(route_local("joe", system_users, &asked, &u, NULL, NULL), -1);
	assert_non_null(strstr(route_error(), "aliases.cdb"));
}

static void separators(void **state)
{
	static const struct want want[] = {
	    {"bob=x-y", "bob", "-", "x-y", "", 0},
	    {"bob-x", "alias", "-", "bob-x", "", 1},
	};
	FILE *f;

	(void)state;
	clear();
	f = fopen(in(paths.control, "userseparators"), "w");
	assert_non_null(f);
	assert_int_not_equal(fputs("=\n", f), EOF);
	assert_int_equal(fclose(f), 0);
	CHECK(want);
}

/* A stranger's address costs a bounded number of questions. */
static void few_questions(void **state)
{
	char local[LIMIT_ADDRESS + 1];
	struct route_user u;
	struct asked asked = {0, ""};

	(void)state;
	clear();
	for (size_t i = 0; i < LIMIT_ADDRESS; i++)
		local[i] = "a-"[i % 2];
	local[LIMIT_ADDRESS] = '\0';
	assert_int_equal(route_local(local, system_users, &asked, &u, NULL, NULL), 0);
	assert_string_equal(u.ext, local);
	assert_true(asked.count <= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(system_only),        cmocka_unit_test(tables_first),
	    cmocka_unit_test(everybody_wildcard), cmocka_unit_test(broken_tables),
	    cmocka_unit_test(separators),         cmocka_unit_test(few_questions),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
