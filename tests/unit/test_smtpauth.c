/* smtpauth: what a line may be, and which logins a route gets. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exact.h"

#include "control.h"
#include "paths.h"
#include "smtpauth.h"

static char dir[] = "/tmp/test_smtpauth.XXXXXX";
static char path[100];

static struct smtpauth *load(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
	return smtpauth_load();
}

/* "host user password;" of each */
static const char *logins(const struct smtpauth *a, const char *route)
{
	static char out[1000];
	struct job j = {.nlogins = 77};

	out[0] = '\0';
	smtpauth_logins(a, route, &j);
	for (uint8_t i = 0; i < j.nlogins; i++) {
		size_t n = strlen(out);

		(void)snprintf(out + n, sizeof out - n, "%s %s %s;", j.logins[i].host,
			       j.logins[i].user, j.logins[i].password);
	}
	return out;
}

static void test_routes(void **state)
{
	static const struct {
		const char *route, *want;
	} row[] = {
	    {"", ""},
	    {"none.example", ""},
	    {"a.example", "a.example alice a b  c;"},
	    {"A.EXAMPLE 587", "a.example alice a b  c;"},
	    {"none.example,b.example/a.example",
	     "B.example bob@x.example :p#;a.example alice a b  c;"},
	    {"a.example 25,a.example 587", "a.example alice a b  c;"},
	    {"[2001:db8::1] 465", "[2001:db8::1] u p;"},
	    {"error:5.1.1 a.example", ""},
	    {"h1,h2,h3,h4,h5,h6,h7,h8,h9",
	     "h1 u 1;h2 u 2;h3 u 3;h4 u 4;h5 u 5;h6 u 6;h7 u 7;h8 u 8;"},
	};
	struct smtpauth *a =
	    load("# comment\n\na.example alice a b  c \na.example other x\n"
		 "\tB.example  bob@x.example\t:p#\n[2001:db8::1] u p\n"
		 "h1 u 1\nh2 u 2\nh3 u 3\nh4 u 4\nh5 u 5\nh6 u 6\n"
		 "h7 u 7\nh8 u 8\nh9 u 9\n");

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < COUNT(row); i++)
		assert_string_equal(logins(a, row[i].route), row[i].want);
	smtpauth_free(a);
}

static void test_bad_lines(void **state)
{
	static char user[400], password[1200];
	static const char *const text[] = {"x", "x y", "x y ", user, password};

	(void)state;
	(void)snprintf(user, sizeof user, "x %0*d p", LIMIT_SMTPUSER + 1, 1);
	(void)snprintf(password, sizeof password, "x u %0*d", LIMIT_SMTPPASSWORD + 1, 1);
	for (size_t i = 0; i < COUNT(text); i++) {
		assert_null(load(text[i]));
		assert_non_null(strstr(control_error(), "control/smtpauth: line 1: "));
	}
}

static void test_no_file(void **state)
{
	struct smtpauth *a;

	(void)state;
	(void)unlink(path);
	a = smtpauth_load();
	assert_non_null(a);
	assert_string_equal(logins(a, "a.example"), "");
	smtpauth_free(a);
}

static void test_not_ours(void **state)
{
	(void)state;
	if (geteuid() == 0)
		skip();
	smtpauth_free(load("a u p\n"));
	assert_int_equal(chmod(path, 0), 0);
	assert_null(smtpauth_load());
	assert_int_equal(errno, EACCES);
	assert_int_equal(chmod(path, 0600), 0);
}

static int make_dir(void **state)
{
	static char home[sizeof dir];
	char control[100];

	(void)state;
	assert_non_null(mkdtemp(dir));
	memcpy(home, dir, sizeof dir);
	assert_int_equal(paths_under(home), 0);
	(void)snprintf(control, sizeof control, "%s/control", dir);
	(void)snprintf(path, sizeof path, "%s/control/smtpauth", dir);
	return mkdir(control, 0700);
}

static int remove_dir(void **state)
{
	char control[100];

	(void)state;
	(void)unlink(path);
	(void)snprintf(control, sizeof control, "%s/control", dir);
	(void)rmdir(control);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_routes),
	    cmocka_unit_test(test_bad_lines),
	    cmocka_unit_test(test_no_file),
	    cmocka_unit_test(test_not_ours),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
