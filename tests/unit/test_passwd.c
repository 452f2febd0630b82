/* qauth: descriptor 3, control/passwordcost, lines of users/passwd, and what fits. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exact.h"

#include "../../qauth/cost.h"
#include "../../qauth/creds.h"
#include "../../qauth/pwtext.h"
#include "../../qauth/verify.h"
#include "authask.h"
#include "table.h"

#define B(s) s, sizeof(s) - 1

static const struct {
	const char *name;
	const char *text;
	size_t n;
	const char *user; /* NULL: refused */
	const char *password;
	const char *third;
} three[] = {
    {"usual", B("joe\0secret\0Y1\0"), "joe", "secret", "Y1"},
    {"no timestamp", B("joe\0secret\0"), "joe", "secret", ""},
    {"a timestamp without its end", B("joe\0secret\0Y1"), "joe", "secret", ""},
    {"empty ones", B("\0\0\0"), "", "", ""},
    {"a password of blanks", B("joe\0 : \n \0\0"), "joe", " : \n ", ""},
    {"nothing", B(""), NULL, NULL, NULL},
    {"no password", B("joe\0"), NULL, NULL, NULL},
    {"a torn password", B("joe\0secret"), NULL, NULL, NULL},
};

static void reads_descriptor_three(void **state)
{
	static struct creds c;

	(void)state;
	for (size_t i = 0; i < COUNT(three); i++) {
		memset(&c, 'x', sizeof c);
		memcpy(c.buf, three[i].text, three[i].n);
		if ((creds_parse(&c, three[i].n) == 0) != (three[i].user != NULL))
			fail_msg("%s", three[i].name);
		if (three[i].user == NULL)
			continue;
		assert_string_equal(c.user, three[i].user);
		assert_string_equal(c.password, three[i].password);
		assert_string_equal(c.third, three[i].third);
	}
}

static int read_of(size_t user, size_t password)
{
	char text[4096];
	struct creds c;
	int fds[2];
	int r;

	assert_int_equal(pipe(fds), 0);
	memset(text, 'a', sizeof text);
	text[user] = '\0';
	text[user + 1 + password] = '\0';
	assert_int_equal(write(fds[1], text, user + password + 2), user + password + 2);
	(void)close(fds[1]);
	r = creds_read(&c, fds[0]);
	(void)close(fds[0]);
	return r;
}

static void has_limits(void **state)
{
	(void)state;
	assert_int_equal(read_of(LIMIT_LOGIN, LIMIT_PASSWORD), 0);
	assert_int_equal(read_of(LIMIT_LOGIN + 1, 1), -1);
	assert_int_equal(read_of(1, LIMIT_PASSWORD + 1), -1);
	assert_int_equal(read_of(100, 3000), -1);
	assert_int_equal(errno, EMSGSIZE);
}

static const struct {
	const char *line;
	size_t megabytes; /* 0: refused */
	unsigned passes;
} costs[] = {
    {"19 2", 19, 2}, {"1 1", 1, 1},   {"256 20", 256, 20}, {"64\t 3", 64, 3},
    {"0 1", 0, 0},   {"1 0", 0, 0},   {"257 1", 0, 0},     {"1 21", 0, 0},
    {"19", 0, 0},    {"", 0, 0},      {"19 2 1", 0, 0},    {"19,2", 0, 0},
    {"-1 2", 0, 0},  {"19M 2", 0, 0}, {" 19 2", 0, 0},
};

static void reads_costs(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(costs); i++) {
		struct cost c = {0, 0};

		if ((cost_parse(&c, costs[i].line) == 0) != (costs[i].megabytes != 0))
			fail_msg("%s", costs[i].line);
		assert_int_equal(c.memory, costs[i].megabytes << 20);
		assert_int_equal(c.passes, costs[i].passes);
	}
}

#define HASH "$argon2id$v=19$m=8,t=1,p=1$x$y"

static const struct {
	const char *line;
	const char *why; /* a part of it; NULL: right; "-": passed over */
} lines[] = {
    {"joe:" HASH ":1000:100:/home/joe", NULL},
    {"joe@example.org:*:1000:0:/home/joe", NULL},
    {"+joe:" HASH ":phone:imap,smtp:1999999999", NULL},
    {"+joe:" HASH ":my phone::", NULL},
    {"", "-"},
    {"  ", "-"},
    {"# joe:*:1:1:/", "-"},
    {"joe:*:1:1", "five"},
    {"joe:*:1:1:/h:", "five"},
    {"Joe:*:1:1:/h", "capital"},
    {":*:1:1:/h", "name"},
    {"jo e:*:1:1:/h", "name"},
    {"joe:secret:1:1:/h", "hash"},
    {"joe::1:1:/h", "hash"},
    {"joe:$6$x$y:1:1:/h", "hash"},
    {"joe:*:0:1:/h", "uid"},
    {"joe:*:x:1:/h", "uid"},
    {"joe:*:4294967296:1:/h", "uid"},
    {"joe:*:1:x:/h", "gid"},
    {"joe:*:1:1:h", "home"},
    {"joe:*:1:1:/h\r", "control"},
    {"joe:*:1:1:/h\t", "control"},
    {"+joe:*:::", "label"},
    {"+joe:*:l:smtp imap:", "scopes"},
    {"+joe:*:l::soon", "end"},
    {"+joe:*:l::0", "end"},
    {"++joe:*:l::", "name"},
};

static void reads_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		char *p = exact(lines[i].line, strlen(lines[i].line) + 1);
		const char *why;
		struct pwline l;
		int r = pwline_get(&l, p, &why);

		if (lines[i].why == NULL ? r != 1 || why != NULL
		    : lines[i].why[0] == '-'
			? r != 0 || why != NULL
			: r != 0 || why == NULL || strstr(why, lines[i].why) == NULL)
			fail_msg("%s: %s", lines[i].line, why != NULL ? why : "nothing");
		free(p);
	}
}

/* ---- what fits ---- */

static char dir[] = "/tmp/test_passwd.XXXXXX";
static char path[64];
static const struct cost cheap = {8192, 1};

static void put(struct table_writer *w, const char *key, const char *const *fields,
		size_t n)
{
	char value[1024];
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		memcpy(value + len, fields[i], strlen(fields[i]) + 1);
		len += strlen(fields[i]) + 1;
	}
	assert_int_equal(table_put(w, key, strlen(key), value, len), 0);
}

static void hash(char out[LIMIT_PWHASH], const char *password)
{
	assert_int_equal(crypto_pwhash_str(out, password, strlen(password), 1, 8192), 0);
}

static int setup(void **state)
{
	char main_hash[LIMIT_PWHASH], app[LIMIT_PWHASH], old[LIMIT_PWHASH];
	struct table_writer *w;

	(void)state;
	if (sodium_init() == -1 || mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof path, "%s/passwd.cdb", dir);
	hash(main_hash, "main word");
	hash(app, "app word");
	hash(old, "old word");
	w = table_create(path);
	table_secret(w, (gid_t)-1);
	put(w, "joe",
	    (const char *const[]){"7", "7", "/h", main_hash, "", "", "", app, "phone",
				  "imap,smtp", "", old, "past", "", "1000"},
	    15);
	put(w, "apps",
	    (const char *const[]){"7", "7", "/h", "*", "", "", "", app, "a", "", ""}, 11);
	put(w, "odd",
	    (const char *const[]){"7", "7", "/h", "$argon2id$v=19$m=", "", "", ""}, 7);
	put(w, "root", (const char *const[]){"0", "0", "/h", main_hash, "", "", ""}, 7);
	return table_commit(w);
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

static const struct {
	const char *key;
	const char *password;
	const char *service;
	enum verdict v;
} logins[] = {
    {"joe", "main word", "smtp", VERDICT_RIGHT},
    {"joe", "main word", "", VERDICT_RIGHT},
    {"joe", "Main word", "smtp", VERDICT_WRONG},
    {"joe", "main wor", "smtp", VERDICT_WRONG},
    {"joe", "", "smtp", VERDICT_WRONG},
    {"joe", "app word", "smtp", VERDICT_RIGHT},
    {"joe", "app word", "imap", VERDICT_RIGHT},
    {"joe", "app word", "pop3", VERDICT_WRONG},
    {"joe", "app word", "", VERDICT_WRONG},
    {"joe", "old word", "smtp", VERDICT_WRONG},
    {"apps", "app word", "pop3", VERDICT_RIGHT},
    {"apps", "*", "pop3", VERDICT_WRONG},
    {"apps", "main word", "pop3", VERDICT_WRONG},
    {"nobody", "main word", "smtp", VERDICT_WRONG},
    {"", "main word", "smtp", VERDICT_WRONG},
    {"odd", "main word", "smtp", VERDICT_LATER},
    {"root", "main word", "smtp", VERDICT_LATER},
};

static void judges(void **state)
{
	struct table t;

	(void)state;
	assert_int_equal(table_open(&t, path), 1);
	for (size_t i = 0; i < COUNT(logins); i++)
		if (verify(&t, logins[i].key, logins[i].password, logins[i].service, 2000,
			   &cheap) != logins[i].v)
			fail_msg("%s with \"%s\" for %s", logins[i].key,
				 logins[i].password, logins[i].service);
	assert_int_equal(verify(&t, "joe", "old word", "smtp", 999, &cheap),
			 VERDICT_RIGHT);
	table_close(&t);
	assert_int_equal(verify(NULL, "joe", "main word", "smtp", 0, &cheap),
			 VERDICT_WRONG);
}

static void is_not_for_everybody(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reads_descriptor_three),
					   cmocka_unit_test(has_limits),
					   cmocka_unit_test(reads_costs),
					   cmocka_unit_test(reads_lines),
					   cmocka_unit_test(judges),
					   cmocka_unit_test(is_not_for_everybody)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
