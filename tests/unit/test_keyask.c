/* keyask: what qtls-key may answer, and what it never would. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exact.h"

#include "clock.h"
#include "usock.h"

#include "../../qtls/keyask.h"

#define ID1     "0123456789abcdef0123456789abcdef"
#define ID2     "0123456789abcdef0123456789abcdeX"
#define P(text) text, sizeof(text) - 1

enum { SOON_MS = 200 };

/* A pair whose other end has said it already; NULL: it is closed. */
static int said(int pair[2], const char *what, size_t n)
{
	assert_int_equal(usock_pair(pair), 0);
	if (what != NULL)
		assert_int_equal(send(pair[1], what, n, 0), (ssize_t)n);
	return pair[0];
}

static void hang_up(int pair[2])
{
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void test_list(void **state)
{
	static const struct {
		const char *frame;
		size_t len;
		int error;
		size_t count;
	} row[] = {
	    {P("L\0\0"), 0, 0},
	    {P("L\0\1" ID1), 0, 1},
	    {P("L\0\2" ID1 ID2), 0, 2},
	    {P("L\0\2" ID1), EBADMSG, 0},
	    {P("L\0\1" ID1 "x"), EBADMSG, 0},
	    {P("K\0\1" ID1), EBADMSG, 0},
	    {P("L\0"), EBADMSG, 0},
	    {P("L\xff\xff" ID1), EBADMSG, 0},
	    {NULL, 0, ETIMEDOUT, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		static struct keyask_list l;
		int pair[2];
		int fd = said(pair, row[i].frame, row[i].len);
		char asked;
		int r = keyask_list(fd, &l, clock_mono_ms() + SOON_MS);

		assert_int_equal(r, row[i].error == 0 ? 0 : -1);
		if (r == -1)
			assert_int_equal(errno, row[i].error);
		else
			assert_int_equal(l.n, row[i].count);
		assert_int_equal(recv(pair[1], &asked, 1, 0), 1);
		assert_int_equal(asked, 'L');
		if (r == 0) {
			assert_int_equal(keyask_has(&l, (const uint8_t *)ID1), l.n > 0);
			assert_int_equal(keyask_has(&l, (const uint8_t *)ID2), l.n > 1);
		}
		hang_up(pair);
	}
}

static void test_more_keys_than_there_can_be(void **state)
{
	static uint8_t frame[SIGN_LIST + SIGN_KEYID] = {'L', (SIGN_KEYS + 1) >> 8,
							(SIGN_KEYS + 1) & 0xff};
	static struct keyask_list l;
	int pair[2];

	(void)state;
	assert_int_equal(keyask_list(said(pair, (char *)frame, sizeof frame), &l,
				     clock_mono_ms() + SOON_MS),
			 -1);
	assert_int_equal(errno, EMSGSIZE);
	hang_up(pair);
}

static int sign(int fd, uint8_t *sig, size_t *siglen, enum sign_reason *reason)
{
	return keyask_sign(fd, (const uint8_t *)ID1, SIGN_ED25519,
			   (const uint8_t *)"text", 4, sig, siglen, reason,
			   clock_mono_ms() + SOON_MS);
}

static void test_sign(void **state)
{
	static const struct {
		const char *frame;
		size_t len;
		int error;
		enum sign_reason reason;
	} row[] = {
	    {P("Ksignature"), 0, 0},
	    {P("K"), EBADMSG, 0},
	    {P("-\2"), EACCES, SIGN_BAD_TEXT},
	    {P("-"), EBADMSG, 0},
	    {P("-\2x"), EBADMSG, 0},
	    {P("X\2"), EBADMSG, 0},
	    {P("Ksignature that is longer"), EMSGSIZE, 0},
	    {NULL, 0, ETIMEDOUT, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		int pair[2];
		int fd = said(pair, row[i].frame, row[i].len);
		enum sign_reason reason = 0;
		uint8_t sig[9];
		size_t n = sizeof sig;
		int r = sign(fd, sig, &n, &reason);
		char request[100];

		assert_int_equal(r, row[i].error == 0 ? 0 : -1);
		if (r == -1)
			assert_int_equal(errno, row[i].error);
		assert_int_equal(reason, row[i].reason);
		assert_int_equal(recv(pair[1], request, sizeof request, 0),
				 SIGN_HEAD + 4);
		assert_memory_equal(request, ID1 "\x08\x07text", SIGN_HEAD + 4);
		if (r == 0) {
			assert_int_equal(n, 9);
			assert_memory_equal(sig, "signature", 9);
		}
		hang_up(pair);
	}
}

static void test_gone(void **state)
{
	uint8_t text[SIGN_TEXT + 1] = {0};
	uint8_t sig[SIGN_SIGNATURE];
	size_t n = sizeof sig;
	int pair[2];
	int fd = said(pair, NULL, 0);

	(void)state;
	assert_int_equal(keyask_sign(fd, text, 1, text, sizeof text, sig, &n, NULL, 0),
			 -1);
	assert_int_equal(errno, EMSGSIZE);
	(void)close(pair[1]);
	assert_int_equal(sign(fd, sig, &n, NULL), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(keyask_pair(fd), -1);
	assert_int_equal(errno, EPIPE);
	(void)close(fd);
	/* The answer is lost: closed behind the request */
	fd = said(pair, NULL, 0);
	assert_int_equal(shutdown(pair[1], SHUT_WR), 0);
	assert_int_equal(sign(fd, sig, &n, NULL), -1);
	assert_int_equal(errno, ECONNRESET);
	hang_up(pair);
}

static void test_pair(void **state)
{
	int pair[2];
	int fd = said(pair, NULL, 0);
	int session = keyask_pair(fd);
	int other;
	char what[2];

	(void)state;
	assert_true(session >= 0);
	assert_int_equal(usock_recv(pair[1], what, sizeof what, &other), 1);
	assert_int_equal(what[0], 'S');
	assert_int_equal(send(other, "x", 1, 0), 1);
	assert_int_equal(recv(session, what, sizeof what, 0), 1);
	(void)close(other);
	assert_int_equal(recv(session, what, sizeof what, 0), 0); /* nobody else has it */
	(void)close(session);
	hang_up(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_more_keys_than_there_can_be),
	    cmocka_unit_test(test_sign),
	    cmocka_unit_test(test_gone),
	    cmocka_unit_test(test_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
