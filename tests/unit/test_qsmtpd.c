#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../qsmtpd/config.h"
#include "../../qsmtpd/data.h"
#include "../../qsmtpd/policy.h"
#include "../../qsmtpd/received.h"
#include "../../qsmtpd/session.h"
#include "clock.h"
#include "sbuf.h"

/* ---- the bytes behind DATA ---- */

static const struct data_case {
	const char *name;
	const char *in;
	const char *out;
	enum data_result result;
	size_t left; /* bytes behind the end */
} data_cases[] = {
    {"empty", ".\r\n", "", DATA_END, 0},
    {"a line", "a\r\n.\r\n", "a\n", DATA_END, 0},
    {"an empty line", "\r\n.\r\n", "\n", DATA_END, 0},
    {"what follows", ".\r\nQUIT\r\n", "", DATA_END, 6},
    {"stuffed", "..\r\n...a\r\n.b\r\n.\r\n", ".\n..a\nb\n", DATA_END, 0},
    {"dot inside", "a.\r\n.\r\n", "a.\n", DATA_END, 0},
    {"dot and blank", ". \r\n.\r\n", " \n", DATA_END, 0},
    {"no end", "a\r\n.", "a\n", DATA_MORE, 0},
    {"no end after CR", "a\r\n.\r", "a\n", DATA_MORE, 0},
    {"bare LF", "a\nb\r\n.\r\n", "a", DATA_BAD, 0},
    {"bare LF first", "\n.\r\n", "", DATA_BAD, 0},
    {"LF behind dot", ".\n", "", DATA_BAD, 0},
    {"bare CR", "a\rb\r\n.\r\n", "a", DATA_BAD, 0},
    {"two CR", "a\r\r\n.\r\n", "a", DATA_BAD, 0},
    {"CR behind dot", ".\rx\r\n", "", DATA_BAD, 0},
    {"dot CR CR LF", ".\r\r\n", "", DATA_BAD, 0},
    {"8-bit and controls", "\x80\xff\x01\x0b\x0c\t\r\n.\r\n", "\x80\xff\x01\x0b\x0c\t\n",
     DATA_END, 0},
};

static void collect(void *arg, const char *p, size_t n)
{
	assert_int_equal(sbuf_cat(arg, p, n), 0);
}

/* In pieces of step bytes, each in a block of exact size. */
static void decode(const struct data_case *c, size_t step)
{
	struct sbuf out = SBUF_INIT(1000);
	struct data d;
	enum data_result r = DATA_MORE;
	size_t total = strlen(c->in);
	size_t at = 0;

	data_init(&d, collect, &out);
	while (at < total && r == DATA_MORE) {
		size_t n = total - at < step ? total - at : step;
		char *piece = malloc(n > 0 ? n : 1);
		size_t used;

		assert_non_null(piece);
		memcpy(piece, c->in + at, n);
		r = data_decode(&d, piece, n, &used);
		at += used;
		free(piece);
	}
	if (r != c->result)
		fail_msg("%s in pieces of %zu: result %d", c->name, step, r);
	assert_string_equal(sbuf_str(&out), c->out);
	assert_int_equal(d.bytes, strlen(c->out));
	if (r == DATA_END)
		assert_int_equal(total - at, c->left);
	sbuf_free(&out);
}

static void decodes_data(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof data_cases / sizeof *data_cases; i++)
		for (size_t step = 1; step < 20; step++)
			decode(&data_cases[i], step);
}

static void finds_nul(void **state)
{
	struct sbuf out = SBUF_INIT(100);
	struct data d;
	size_t used;

	(void)state;
	data_init(&d, collect, &out);
	assert_int_equal(data_decode(&d, "a\0b\r\n.\0\r\n.\r\n", 12, &used), DATA_END);
	assert_int_equal(used, 12);
	assert_true(d.has_nul);
	sbuf_free(&out);
}

static void watches_the_header(void **state)
{
	static const char message[] = "Received: a\r\n"
				      "RECEIVED:\r\n"
				      " Received: folded\r\n"
				      "X-Received: no\r\n"
				      "Receive: no\r\n"
				      "Receivedx: no\r\n"
				      "\r\n"
				      "Received: body\r\n"
				      ".\r\n";

	(void)state;
	for (size_t step = 1; step < 40; step++) {
		struct sbuf out = SBUF_INIT(1000);
		enum data_result r = DATA_MORE;
		struct data d;

		data_init(&d, collect, &out);
		for (size_t at = 0; r == DATA_MORE && at < sizeof message - 1;) {
			size_t n = sizeof message - 1 - at;
			size_t used;

			r = data_decode(&d, message + at, n < step ? n : step, &used);
			at += used;
		}
		assert_int_equal(r, DATA_END);
		assert_int_equal(d.hops, 2);
		assert_int_equal(d.header_bytes, 12 + 10 + 18 + 15 + 12 + 14 + 1);
		sbuf_free(&out);
	}
}

/* ---- what stands in Received ---- */

static void makes_received(void **state)
{
	struct sbuf b = SBUF_INIT(4096);
	struct received r = {.helo = "x",
			     .host = "unknown",
			     .ip = "2001:db8::7",
			     .by = "q.example",
			     .with = "ESMTP",
			     .id = "ID",
			     .rcpt = "a b@q.example",
			     .when = 0};

	(void)state;
	(void)setenv("TZ", "UTC0", 1);
	assert_int_equal(received_make(&b, &r), 0);
	assert_string_equal(sbuf_str(&b),
			    "Received: from x (unknown [IPv6:2001:db8::7])\n"
			    "  by q.example with ESMTP id ID\n"
			    "  for <\"a b\"@q.example>;\n"
			    "  Thu, 1 Jan 1970 00:00:00 +0000\n");
	sbuf_clear(&b);
	r.rcpt = NULL;
	r.ip = "192.0.2.7";
	assert_int_equal(received_make(&b, &r), 0);
	assert_null(strstr(sbuf_str(&b), "for"));
	assert_non_null(strstr(sbuf_str(&b), "[192.0.2.7]"));
	sbuf_free(&b);
}

static void cleans_names(void **state)
{
	char out[8];

	(void)state;
	peer_clean(out, sizeof out, "a.b:_-]");
	assert_string_equal(out, "a.b:_-]");
	peer_clean(out, sizeof out, "[a b(\n\x80tail");
	assert_string_equal(out, "[a?b???");
	peer_clean(out, 1, "abc");
	assert_string_equal(out, "");
}

/* ---- a session ---- */

/* A client that always has more to say must not outlive its time. */
static void ends_an_old_session(void **state)
{
	static struct session s;
	static const char chatter[] = "NOOP\r\nNOOP\r\n";
	char heard[64] = "";
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	s.cfg.timeout_ms = 5000;
	session_init(&s, fds[0], fds[0]);
	s.end = clock_mono_ms();
	assert_int_equal(write(fds[1], chatter, sizeof chatter - 1), sizeof chatter - 1);
	assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
	session_commands(&s);
	assert_true(read(fds[1], heard, sizeof heard - 1) > 0);
	assert_memory_equal(heard, "421 4.4.2 ", 10);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(decodes_data),       cmocka_unit_test(finds_nul),
	    cmocka_unit_test(watches_the_header), cmocka_unit_test(makes_received),
	    cmocka_unit_test(cleans_names),       cmocka_unit_test(ends_an_old_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
