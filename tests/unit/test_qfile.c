/* qfile: what is packed is read again, every flipped bit is found; envelopes by their
 * grammar. */
#include <errno.h>
#include <stdio.h>

#include "exact.h"

#include "qfile.h"
#include "qlimits.h"
#include "sbuf.h"

#define ENV "U1000\0Fa@b\0Tc@d\0Te@f"

static void pack(char head[QFILE_HEAD])
{
	struct qfile_head h = {.env_len = sizeof ENV, .msg_len = 12345, .msg_sum = "sum"};

	qfile_pack(head, &h, ENV);
}

static void test_round(void **state)
{
	char head[QFILE_HEAD];
	struct qfile_head h;

	(void)state;
	pack(head);
	assert_int_equal(qfile_unpack(head, &h), 0);
	assert_int_equal(h.env_len, sizeof ENV);
	assert_int_equal(h.msg_len, 12345);
	assert_memory_equal(h.msg_sum, "sum", 4);
	assert_int_equal(qfile_msg_offset(&h), QFILE_HEAD + sizeof ENV);
	assert_int_equal(qfile_check(head, ENV), 0);
}

/* A flipped length is refused by unpack or by check, with an envelope as long as it says.
 */
static void test_every_bit(void **state)
{
	char head[QFILE_HEAD];

	(void)state;
	for (size_t bit = 0; bit < 8 * QFILE_HEAD; bit++) {
		struct qfile_head h;
		char *env;

		pack(head);
		head[bit / 8] ^= (char)(1 << bit % 8);
		if (qfile_unpack(head, &h) == -1) {
			assert_int_equal(errno, EBADMSG);
			continue;
		}
		env = calloc(1, h.env_len + 1);
		memcpy(env, ENV, h.env_len < sizeof ENV ? h.env_len : sizeof ENV);
		assert_int_equal(qfile_check(head, env), -1);
		assert_int_equal(errno, EBADMSG);
		free(env);
	}
	pack(head);
	for (size_t i = 0; i < sizeof ENV; i++) {
		char *env = exact(ENV, sizeof ENV);

		env[i] ^= 1;
		assert_int_equal(qfile_check(head, env), -1);
		free(env);
	}
}

static void test_grammar(void **state)
{
#define ROW(s, r)                  \
	{                          \
		s, sizeof s - 1, r \
	}
	static const struct {
		const char *env;
		size_t n;
		int rcpts; /* 0: refused */
	} row[] = {
	    ROW("Fa@b\0Tc@d\0", 1),
	    ROW("F\0Tc@d\0", 1),
	    ROW("F\0Tc@d\0Tc@d\0T#@[]\0", 3),
	    ROW("U1000\0Fa@b\0Tc@d\0", 1),
	    ROW("U0\0C192.0.2.1\0Lme\0Fa@b\0Tc@d\0", 1),
	    ROW("Fa@b\0Tj\xc3\xb6rg@d\0", 1),
	    ROW("C192.0.2.1\0S1\0Fa@b\0Tc@d\0", 1),
	    ROW("Fa@b\0Eid\0RF\0Tc@d\0NSFD\0Orfc822;c\0Te@f\0ND\0", 2),
	    ROW("Fa@b\0Tc@d\0Orfc822;c\0", 1),
	    ROW("S2\0Fa@b\0Tc@d\0", 0),
	    ROW("Eid\0Fa@b\0Tc@d\0", 0),
	    ROW("Fa@b\0E\0Tc@d\0", 0),
	    ROW("Fa@b\0RX\0Tc@d\0", 0),
	    ROW("Fa@b\0RF\0RF\0Tc@d\0", 0),
	    ROW("Fa@b\0NF\0Tc@d\0", 0),
	    ROW("Fa@b\0Tc@d\0NF\0NF\0", 0),
	    ROW("Fa@b\0Tc@d\0NNF\0", 0),
	    ROW("Fa@b\0Tc@d\0NSS\0", 0),
	    ROW("Fa@b\0Tc@d\0N\0", 0),
	    ROW("Fa@b\0Tc@d\0Ox;y\0NF\0", 0),
	    ROW("Fa@b\0Tc@d\0Ox;y\0Ox;y\0", 0),
	    ROW("Fa@b\0Tc@d\0RF\0", 0),
	    ROW("", 0),
	    ROW("\0", 0),
	    ROW("Fa@b\0", 0),
	    ROW("Tc@d\0", 0),
	    ROW("Tc@d\0Fa@b\0", 0),
	    ROW("Fa@b\0T\0", 0),
	    ROW("Fa@b\0Tc@d", 0),
	    ROW("Fa@b\0Tc@d\0\0", 0),
	    ROW("Fa@b\0Fa@b\0Tc@d\0", 0),
	    ROW("U1\0U1\0Fa@b\0Tc@d\0", 0),
	    ROW("U-1\0Fa@b\0Tc@d\0", 0),
	    ROW("U\0Fa@b\0Tc@d\0", 0),
	    ROW("U4294967296\0Fa@b\0Tc@d\0", 0),
	    ROW("Fa@b\0Tc@d\0Lme\0", 0),
	    ROW("fa@b\0Tc@d\0", 0),
	    ROW("Fa@b\0Xc@d\0Tc@d\0", 0),
	    ROW("Fa\n@b\0Tc@d\0", 0),
	    ROW("Fa@b\0Tc\x7f@d\0", 0),
	    ROW("Fa@b\0Tc\x01@d\0", 0),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		char *p = exact(row[i].env, row[i].n);
		struct envelope e;
		int r = envelope_parse(&e, p, row[i].n);

		assert_int_equal(r, row[i].rcpts > 0 ? 0 : -1);
		if (r == -1)
			assert_int_equal(errno, EBADMSG);
		else
			assert_int_equal(e.nrcpts, row[i].rcpts);
		free(p);
	}
}

static void test_fields(void **state)
{
	struct envelope e;
	struct envelope_rcpt r;
	const char *at;

	(void)state;
	assert_int_equal(envelope_parse(&e, ENV, sizeof ENV), 0);
	assert_string_equal(e.uid, "1000");
	assert_null(e.client);
	assert_null(e.login);
	assert_string_equal(e.sender, "a@b");
	at = envelope_rcpt(&e, e.rcpts, &r);
	assert_string_equal(r.address, "c@d");
	(void)envelope_rcpt(&e, at, &r);
	assert_string_equal(r.address, "e@f");
	assert_int_equal(r.notify, 0);
	assert_null(r.orcpt);
	assert_true(envelope_is_submitted(&e));
}

static void test_dsn_fields(void **state)
{
	static const char env[] = "U1\0C192.0.2.1\0Fa@b\0Eid+20\0RH\0Tc@d\0NSF\0Te@f\0"
				  "Orfc822;x@y\0Tg@h\0NN\0Orfc822;z@y";
	struct envelope e;
	struct envelope_rcpt r;
	const char *at;
	char text[4];

	(void)state;
	assert_int_equal(envelope_parse(&e, env, sizeof env), 0);
	assert_string_equal(e.envid, "id+20");
	assert_string_equal(e.ret, "H");
	assert_false(envelope_is_submitted(&e));
	at = envelope_rcpt(&e, e.rcpts, &r);
	assert_int_equal(r.notify, NOTIFY_SUCCESS | NOTIFY_FAILURE);
	assert_string_equal(notify_text(r.notify, text), "SF");
	assert_null(r.orcpt);
	at = envelope_rcpt(&e, at, &r);
	assert_int_equal(r.notify, 0);
	assert_string_equal(r.orcpt, "rfc822;x@y");
	at = envelope_rcpt(&e, at, &r);
	assert_string_equal(r.address, "g@h");
	assert_int_equal(r.notify, NOTIFY_NEVER);
	assert_string_equal(r.orcpt, "rfc822;z@y");
	assert_ptr_equal(at, env + sizeof env);
}

static void test_limits(void **state)
{
	struct sbuf b = SBUF_INIT(LIMIT_ENVELOPE);
	char name[LIMIT_ADDRESS + 2];
	struct envelope e;

	(void)state;
	memset(name, 'a', sizeof name);
	assert_int_equal(sbuf_catz(&b, "F"), 0);
	for (int i = 0; i < LIMIT_RECIPIENTS; i++)
		assert_int_equal(sbuf_catz(&b, "Tx"), 0);
	assert_int_equal(envelope_parse(&e, b.p, b.len), 0);
	assert_int_equal(e.nrcpts, LIMIT_RECIPIENTS);
	assert_int_equal(sbuf_catz(&b, "Tx"), 0);
	assert_int_equal(envelope_parse(&e, b.p, b.len), -1);
	for (size_t n = LIMIT_ADDRESS; n <= LIMIT_ADDRESS + 1; n++) {
		sbuf_clear(&b);
		assert_int_equal(sbuf_catz(&b, "F") | sbuf_catc(&b, 'T') |
				     sbuf_cat(&b, name, n) | sbuf_catc(&b, '\0'),
				 0);
		assert_int_equal(envelope_parse(&e, b.p, b.len),
				 n == LIMIT_ADDRESS ? 0 : -1);
	}
	sbuf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round),      cmocka_unit_test(test_every_bit),
	    cmocka_unit_test(test_grammar),    cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_dsn_fields), cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
