/* qremote/secure: each cell of the table in ARCHITECTURE.md, and that every combination
 * of findings has an answer that is not weaker than one of its findings demands.
 * lib/tlspolicy: what a line may say. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exact.h"

#include "../../qremote/secure.h"
#include "control.h"
#include "ctlmap.h"
#include "paths.h"
#include "tlspolicy.h"

static void test_cells(void **state)
{
	static const struct {
		struct findings f;
		enum action want;
	} row[] = {
	    /* what the admin says stands above all */
	    {{RULE_NONE, TLSA_USABLE, STS_LISTED, 0}, ACT_CLEAR},
	    {{RULE_NONE, TLSA_NONE, STS_NONE, 1}, ACT_SKIP},
	    {{RULE_MAY, TLSA_USABLE, STS_UNLISTED, 0}, ACT_MAY},
	    {{RULE_MAY, TLSA_NONE, STS_NONE, 1}, ACT_NAME},
	    {{RULE_ENCRYPT, TLSA_FAILED, STS_NONE, 0}, ACT_ENCRYPT},
	    {{RULE_ENCRYPT, TLSA_NONE, STS_NONE, 1}, ACT_NAME},
	    {{RULE_VERIFY, TLSA_USABLE, STS_NONE, 0}, ACT_NAME},
	    {{RULE_VERIFY, TLSA_NONE, STS_NONE, 1}, ACT_NAME},
	    {{RULE_PIN, TLSA_FAILED, STS_UNKNOWN, 0}, ACT_PIN},
	    {{RULE_PIN, TLSA_NONE, STS_NONE, 1}, ACT_PIN},
	    /* DANE, whatever MTA-STS says */
	    {{RULE_UNSAID, TLSA_FAILED, STS_NONE, 0}, ACT_SKIP},
	    {{RULE_UNSAID, TLSA_FAILED, STS_LISTED, 1}, ACT_SKIP},
	    {{RULE_UNSAID, TLSA_USABLE, STS_NONE, 0}, ACT_DANE},
	    {{RULE_UNSAID, TLSA_USABLE, STS_UNLISTED, 0}, ACT_DANE},
	    {{RULE_UNSAID, TLSA_USABLE, STS_NONE, 1}, ACT_DANE},
	    {{RULE_UNSAID, TLSA_UNUSABLE, STS_LISTED, 0}, ACT_ENCRYPT},
	    {{RULE_UNSAID, TLSA_UNUSABLE, STS_NONE, 1}, ACT_NAME},
	    /* MTA-STS */
	    {{RULE_UNSAID, TLSA_NONE, STS_LISTED, 0}, ACT_NAME},
	    {{RULE_UNSAID, TLSA_NONE, STS_UNLISTED, 0}, ACT_SKIP},
	    {{RULE_UNSAID, TLSA_NONE, STS_UNKNOWN, 0}, ACT_SKIP},
	    {{RULE_UNSAID, TLSA_NONE, STS_TESTING, 0}, ACT_MAY},
	    {{RULE_UNSAID, TLSA_NONE, STS_NONE, 0}, ACT_MAY},
	    {{RULE_UNSAID, TLSA_NONE, STS_NONE, 1}, ACT_NAME},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++)
		assert_int_equal(secure_decide(&row[i].f).action, row[i].want);
}

/* Weaker than that lets mail through where somebody has said it must not go. */
static int is_verifying(enum action a)
{
	return a == ACT_NAME || a == ACT_PIN || a == ACT_DANE || a == ACT_SKIP;
}

static void check(const struct findings *f)
{
	struct decision d = secure_decide(f);

	if (f->login)
		assert_true(is_verifying(d.action));
	if (f->rule == RULE_VERIFY || f->rule == RULE_PIN)
		assert_true(is_verifying(d.action) && d.action != ACT_SKIP);
	if (f->rule == RULE_UNSAID && f->tlsa == TLSA_USABLE)
		assert_int_equal(d.action, ACT_DANE);
	if (f->rule == RULE_UNSAID && f->tlsa != TLSA_NONE)
		assert_true(d.action != ACT_MAY && d.action != ACT_CLEAR);
	if (f->rule == RULE_UNSAID && f->tlsa == TLSA_NONE && f->sts > STS_TESTING)
		assert_true(is_verifying(d.action));
	if (d.action == ACT_CLEAR)
		assert_int_equal(f->rule, RULE_NONE);
	/* the reason of each deferral can be said */
	assert_true(d.why != NULL || d.action == ACT_MAY);
}

static void test_all(void **state)
{
	unsigned n = 0;

	(void)state;
	for (int rule = RULE_UNSAID; rule <= RULE_PIN; rule++)
		for (int tlsa = TLSA_NONE; tlsa <= TLSA_FAILED; tlsa++)
			for (int sts = STS_NONE; sts <= STS_UNKNOWN; sts++)
				for (int login = 0; login < 2; login++, n++) {
					struct findings f = {(enum rule)rule,
							     (enum tlsa)tlsa,
							     (enum sts)sts, login};

					check(&f);
				}
	assert_int_equal(n, 6 * 4 * 5 * 2);
}

/* ---- control/tlspolicy ---- */

static char dir[] = "/tmp/test_secure.XXXXXX";

static struct ctlmap *load(const char *text)
{
	char path[100];
	int fd;

	(void)snprintf(path, sizeof path, "%s/control/tlspolicy", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
	return tlspolicy_load();
}

#define H32 "0123456789abcdef0123456789ABCDEF"

static void test_rules(void **state)
{
	static const struct {
		const char *name;
		enum rule want;
	} row[] = {
	    {"none.example", RULE_NONE},      {"NONE.example", RULE_NONE},
	    {"enc.example", RULE_ENCRYPT},    {"x.enc.example", RULE_VERIFY},
	    {"y.x.enc.example", RULE_VERIFY}, {"pin.example", RULE_PIN},
	    {"other.example", RULE_MAY},      {"example", RULE_MAY},
	    {"[192.0.2.1]", RULE_NONE},
	};
	struct ctlmap *m = load("none.example:none\nenc.example: encrypt\n"
				".enc.example:verify a.example\t.b.example\n"
				"pin.example:pin " H32 H32 " " H32 H32 "\n:may\n"
				"[192.0.2.1]:none\n");
	struct tlspolicy p;

	(void)state;
	assert_non_null(m);
	for (size_t i = 0; i < COUNT(row); i++) {
		tlspolicy_get(m, row[i].name, &p);
		assert_int_equal(p.rule, row[i].want);
	}
	tlspolicy_get(m, "x.enc.example", &p);
	assert_int_equal(p.nnames, 2);
	assert_string_equal(p.names[0], "a.example");
	assert_string_equal(p.names[1], ".b.example");
	tlspolicy_get(m, "pin.example", &p);
	assert_int_equal(p.npins, 2);
	assert_int_equal(p.pins[1][0], 0x01);
	assert_int_equal(p.pins[1][31], 0xef);
	ctlmap_free(m);
	m = load("a:none\n");
	tlspolicy_get(m, "b", &p);
	assert_int_equal(p.rule, RULE_UNSAID);
	ctlmap_free(m);
}

static void test_bad_rules(void **state)
{
	static const char *const text[] = {"a:",
					   "a:secure",
					   "a:none x",
					   "a:may x",
					   "a:encrypt x",
					   "a:pin",
					   "a:pin " H32,
					   "a:pin " H32 H32 "0",
					   "a:pin " H32
					   "0123456789abcdef0123456789abcdeg",
					   "a:verify 1 2 3 4 5 6 7 8 9",
					   "a none",
					   "a:Verify",
					   "a.example.:verify",
					   "[2001:db8::1]:may"};

	(void)state;
	for (size_t i = 0; i < COUNT(text); i++) {
		assert_null(load(text[i]));
		assert_non_null(strstr(control_error(), "control/tlspolicy: line 1: "));
	}
}

static int make_dir(void **state)
{
	static char home[sizeof dir];
	char path[100];

	(void)state;
	assert_non_null(mkdtemp(dir));
	memcpy(home, dir, sizeof dir);
	assert_int_equal(paths_under(home), 0);
	(void)snprintf(path, sizeof path, "%s/control", dir);
	return mkdir(path, 0700);
}

static int remove_dir(void **state)
{
	char path[100];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/control/tlspolicy", dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof path, "%s/control", dir);
	(void)rmdir(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cells),
	    cmocka_unit_test(test_all),
	    cmocka_unit_test(test_rules),
	    cmocka_unit_test(test_bad_rules),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
