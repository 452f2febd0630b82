#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../qlisten/seats.h"
#include "../../qlisten/ucspi.h"

static const struct sockaddr *address(const char *ip)
{
	static struct sockaddr_in6 in6;
	static struct sockaddr_in in;

	if (strchr(ip, ':') == NULL) {
		in.sin_family = AF_INET;
		in.sin_port = htons(25);
		assert_int_equal(inet_pton(AF_INET, ip, &in.sin_addr), 1);
		return (const void *)&in;
	}
	in6.sin6_family = AF_INET6;
	in6.sin6_port = htons(25);
	assert_int_equal(inet_pton(AF_INET6, ip, &in6.sin6_addr), 1);
	return (const void *)&in6;
}

/* ---- seats ---- */

static enum seat_answer sit(struct seats *s, const char *ip, int64_t now, pid_t pid)
{
	int *told;
	enum seat_answer a = seats_ask(s, address(ip), now, &told);

	if (a == SEAT_YES)
		seats_take(s, pid);
	return a;
}

static void limits_an_address(void **state)
{
	struct seats *s = seats_new(10, 2, 0);

	(void)state;
	assert_int_equal(sit(s, "192.0.2.1", 0, 1), SEAT_YES);
	assert_int_equal(sit(s, "::ffff:192.0.2.1", 0, 2), SEAT_YES);
	assert_int_equal(sit(s, "192.0.2.1", 0, 3), SEAT_TOO_MANY);
	assert_int_equal(sit(s, "192.0.2.2", 0, 3), SEAT_YES);
	seats_give(s, 1);
	assert_int_equal(sit(s, "192.0.2.1", 0, 4), SEAT_YES);
	assert_int_equal(seats_taken(s), 3);
	seats_free(s);
}

static void counts_ipv6_by_64(void **state)
{
	struct seats *s = seats_new(10, 2, 0);

	(void)state;
	assert_int_equal(sit(s, "2001:db8::1", 0, 1), SEAT_YES);
	assert_int_equal(sit(s, "2001:db8::ffff:2", 0, 2), SEAT_YES);
	assert_int_equal(sit(s, "2001:db8:0:0:1:2:3:4", 0, 3), SEAT_TOO_MANY);
	assert_int_equal(sit(s, "2001:db8:0:1::1", 0, 3), SEAT_YES);
	seats_free(s);
}

static void limits_the_rate(void **state)
{
	struct seats *s = seats_new(10, 10, 2);

	(void)state;
	for (pid_t pid = 1; pid < 3; pid++) {
		assert_int_equal(sit(s, "192.0.2.1", 1000, pid), SEAT_YES);
		seats_give(s, pid);
	}
	assert_int_equal(sit(s, "192.0.2.1", 60999, 3), SEAT_TOO_FAST);
	assert_int_equal(sit(s, "192.0.2.2", 60999, 3), SEAT_YES);
	assert_int_equal(sit(s, "192.0.2.1", 61000, 4), SEAT_YES);
	seats_free(s);
}

static void is_full_at_the_total(void **state)
{
	struct seats *s = seats_new(2, 2, 0);

	(void)state;
	assert_int_equal(sit(s, "192.0.2.1", 0, 1), SEAT_YES);
	assert_false(seats_full(s));
	assert_int_equal(sit(s, "192.0.2.2", 0, 2), SEAT_YES);
	assert_true(seats_full(s));
	seats_give(s, 77); /* not ours */
	assert_true(seats_full(s));
	seats_give(s, 2);
	assert_false(seats_full(s));
	seats_free(s);
}

/* More addresses than it can remember: those who are connected are not forgotten. */
static void forgets_those_who_left(void **state)
{
	struct seats *s = seats_new(3, 1, 0);

	(void)state;
	assert_int_equal(sit(s, "192.0.2.1", 0, 1), SEAT_YES);
	for (unsigned i = 0; i < 5000; i++) {
		char ip[20];

		(void)snprintf(ip, sizeof ip, "10.0.%u.%u", i / 256, i % 256);
		assert_int_equal(sit(s, ip, i, 2), SEAT_YES);
		seats_give(s, 2);
	}
	assert_int_equal(sit(s, "192.0.2.1", 5000, 3), SEAT_TOO_MANY);
	seats_free(s);
}

/* ---- the environment ---- */

static const char *get(const struct ucspi *u, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < u->nvars; i++)
		if (strncmp(u->vars[i], name, n) == 0 && u->vars[i][n] == '=')
			return u->vars[i] + n + 1;
	return NULL;
}

static void makes_the_environment(void **state)
{
	static char path[] = "PATH=/bin";
	static char info[] = "TCPREMOTEINFO=x";
	static char host[] = "TCPREMOTEHOST=forged";
	static char proto[] = "PROTO=X";
	static char *ours[] = {path, info, host, proto, NULL};
	static struct ucspi u;
	struct endpoint local;
	struct endpoint remote;

	(void)state;
	endpoint_set(&local, address("::ffff:192.0.2.25"));
	endpoint_set(&remote, address("192.0.2.7"));
	ucspi_init(&u, ours);
	assert_int_equal(ucspi_connection(&u, &local, "l.example", &remote, NULL), 0);
	assert_int_equal(ucspi_put(&u, "RELAYCLIENT="), 0);
	assert_int_equal(ucspi_put(&u, "PATH=/other"), 0);
	assert_string_equal(u.vars[0], "PATH=/other");
	assert_string_equal(get(&u, "PROTO"), "TCP");
	assert_string_equal(get(&u, "TCPLOCALIP"), "192.0.2.25");
	assert_string_equal(get(&u, "TCP6LOCALIP"), "::ffff:192.0.2.25");
	assert_string_equal(get(&u, "TCPLOCALHOST"), "l.example");
	assert_string_equal(get(&u, "TCPREMOTEIP"), "192.0.2.7");
	assert_string_equal(get(&u, "TCPREMOTEPORT"), "25");
	assert_string_equal(get(&u, "RELAYCLIENT"), "");
	assert_null(get(&u, "TCPREMOTEHOST"));
	assert_null(get(&u, "TCPREMOTEINFO"));
	assert_null(u.vars[u.nvars]);
}

static void makes_it_for_ipv6(void **state)
{
	static char *ours[] = {NULL};
	static struct ucspi u;
	struct endpoint e;

	(void)state;
	endpoint_set(&e, address("2001:db8::7"));
	ucspi_init(&u, ours);
	assert_int_equal(ucspi_connection(&u, &e, NULL, &e, "c.example"), 0);
	assert_string_equal(get(&u, "PROTO"), "TCP6");
	assert_string_equal(get(&u, "TCPREMOTEIP"), "2001:db8::7");
	assert_string_equal(get(&u, "TCP6REMOTEIP"), "2001:db8::7");
	assert_string_equal(get(&u, "TCPREMOTEHOST"), "c.example");
	assert_null(get(&u, "TCPLOCALHOST"));
}

static void has_limits(void **state)
{
	static char *ours[] = {NULL};
	static char big[UCSPI_TEXT];
	static struct ucspi u;
	char var[16];
	int n = 0;

	(void)state;
	ucspi_init(&u, ours);
	memset(big, 'x', sizeof big - 1);
	big[1] = '=';
	assert_int_equal(ucspi_put(&u, big), 0);
	assert_int_equal(ucspi_put(&u, "a=b"), -1);
	ucspi_init(&u, ours);
	while (n <= UCSPI_VARS) {
		(void)snprintf(var, sizeof var, "v%d=1", n);
		if (ucspi_put(&u, var) == -1)
			break;
		n++;
	}
	assert_int_equal(n, UCSPI_VARS);
	assert_null(u.vars[UCSPI_VARS]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(limits_an_address),
	    cmocka_unit_test(counts_ipv6_by_64),
	    cmocka_unit_test(limits_the_rate),
	    cmocka_unit_test(is_full_at_the_total),
	    cmocka_unit_test(forgets_those_who_left),
	    cmocka_unit_test(makes_the_environment),
	    cmocka_unit_test(makes_it_for_ipv6),
	    cmocka_unit_test(has_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
