/* submit: what the client makes of every kind of server. The server here is a child that
 * says a script's bytes and remembers what it heard. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exact.h"

#include "clock.h"
#include "paths.h"
#include "sbuf.h"
#include "submit.h"

#define ID1   "28cKHvPncUP2IdY3l"
#define ID2   "28cKHvPrVMv38gR0X"
#define OFFER "118:I" ID1 ","
#define ENV   "Fa@b\0Tc@d"

static struct submit s;

static int64_t soon(void)
{
	return clock_mono_ms() + 60000;
}

/* A peer that has said all of script; then it closes, or not. */
static int open_with(const char *script, int stay, int *peer)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(write(sv[1], script, strlen(script)), (ssize_t)strlen(script));
	*peer = sv[1];
	if (!stay) {
		assert_int_equal(shutdown(sv[1], SHUT_WR), 0);
	}
	return submit_open_fd(&s, sv[0], clock_mono_ms() + (stay ? 50 : 5000));
}

/* All that it still says. */
static void say(int peer, const char *script)
{
	assert_int_equal(write(peer, script, strlen(script)), (ssize_t)strlen(script));
	assert_int_equal(shutdown(peer, SHUT_WR), 0);
}

static void test_open(void **state)
{
	static const struct {
		const char *script;
		int stay;
		int error; /* 0: opened */
	} row[] = {
	    {OFFER, 0, 0},
	    {"15:Zfull,", 0, EAGAIN},
	    {"11:Z,", 0, EAGAIN},
	    {"", 0, EPIPE},
	    {"1", 0, EPIPE},
	    {"118:I0QJv", 0, EPIPE},
	    {"", 1, ETIMEDOUT},
	    {"118:I0QJv", 1, ETIMEDOUT},
	    {"218:I" ID1 ",", 0, EBADMSG},
	    {"10:,", 0, EBADMSG},
	    {"117:I28cKHvPncUP2IdY3,", 0, EBADMSG},
	    {"118:I28cKHvPncUP2IdY-l,", 0, EBADMSG},
	    {"118:X" ID1 ",", 0, EBADMSG},
	    {"15000:Zlong", 0, EBADMSG},
	    {"1hello", 0, EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		int peer;
		int r = open_with(row[i].script, row[i].stay, &peer);

		assert_int_equal(r, row[i].error == 0 ? 0 : -1);
		if (r == -1)
			assert_int_equal(errno, row[i].error);
		assert_string_equal(s.id, r == 0 ? ID1 : "");
		submit_close(&s);
		(void)close(peer);
	}
}

static void test_reason(void **state)
{
	int peer;

	(void)state;
	assert_int_equal(open_with("110:Zdisk\nfull,", 0, &peer), -1);
	assert_string_equal(s.text, "disk full");
	submit_close(&s);
	(void)close(peer);
}

static void test_commit(void **state)
{
	static const struct {
		const char *answer;
		int result;
		char letter;
		const char *text;
		const char *next;
	} row[] = {
	    {"18:K" ID1 ",18:I" ID2 ",", 0, 'K', ID1, ID2},
	    {"18:K" ID1 ",5:Zbusy,", 0, 'K', ID1, ""},
	    {"18:K" ID1 ",", 0, 'K', ID1, ""},
	    {"18:K" ID1 ",garbage", 0, 'K', ID1, ""},
	    {"6:Zno\neh,18:I" ID2 ",", 0, 'Z', "no eh", ID2},
	    {"2:Dx,18:I" ID2 ",", 0, 'D', "x", ID2},
	    {"1:K,18:I" ID2 ",", 0, 'K', "", ID2},
	    {"1:W,18:K" ID1 ",", 0, 'K', ID1, ""},
	    {"1:W,", -1, 0, "", ""},
	    {"1:W,1:W,18:K" ID1 ",", -1, 0, "", ""},
	    {"0:,", -1, 0, "", ""},
	    {"2:Xx,", -1, 0, "", ""},
	    {"", -1, 0, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		char letter = 0;
		int peer;

		assert_int_equal(open_with(OFFER, 1, &peer), 0);
		assert_int_equal(submit_envelope(&s, ENV, sizeof ENV), 0);
		say(peer, row[i].answer);
		assert_int_equal(submit_data(&s, "hi\n", 3), 0);
		assert_int_equal(submit_commit(&s, &letter), row[i].result);
		assert_int_equal(letter, row[i].letter);
		if (row[i].result == 0) {
			assert_string_equal(s.text, row[i].text);
			assert_string_equal(s.id, row[i].next);
		}
		if (*row[i].next == '\0' && row[i].result == 0) {
			assert_int_equal(submit_envelope(&s, ENV, sizeof ENV), -1);
			assert_int_equal(errno, EPIPE);
		}
		submit_close(&s);
		(void)close(peer);
	}
}

/* What comes behind an offer takes it back, as the end does. */
static void test_withdrawn(void **state)
{
	static const char *const behind[] = {"1:W,", ""};

	(void)state;
	for (size_t i = 0; i < COUNT(behind); i++) {
		int peer;

		assert_int_equal(open_with(OFFER, 1, &peer), 0);
		say(peer, behind[i]);
		assert_int_equal(submit_envelope(&s, ENV, sizeof ENV), -1);
		assert_int_equal(errno, EPIPE);
		submit_close(&s);
		(void)close(peer);
	}
}

/* The bytes on the wire, whatever the sizes given to submit_data(). */
static void wire(size_t size, size_t step)
{
	struct sbuf want = SBUF_INIT(1 << 20);
	char *message = malloc(size + 1);
	char *got;
	size_t have = 0;
	char letter;
	int peer;
	int status;
	pid_t pid;

	memset(message, 'm', size);
	assert_int_equal(sbuf_cat(&want, "10:" ENV "\0,", 14), 0);
	for (size_t at = 0; at < size; at += LIMIT_CHUNK) {
		size_t n = size - at < LIMIT_CHUNK ? size - at : LIMIT_CHUNK;

		assert_int_equal(netstr_put(&want, message, n), 0);
	}
	assert_int_equal(sbuf_cats(&want, "0:,"), 0);
	assert_int_equal(open_with(OFFER "1:K,", 1, &peer), 0);
	pid = fork();
	if (pid == 0) {
		submit_deadline(&s, soon());
		(void)close(peer);
		if (submit_envelope(&s, ENV, sizeof ENV) == -1)
			_exit(1);
		for (size_t at = 0; at < size; at += step)
			if (submit_data(&s, message,
					size - at < step ? size - at : step) == -1)
				_exit(2);
		s.deadline = clock_mono_ms() + 200; /* no second offer comes */
		_exit(submit_commit(&s, &letter) == 0 && letter == 'K' ? 0 : 3);
	}
	submit_close(&s);
	got = malloc(want.len + 1);
	while (have < want.len + 1) {
		ssize_t n = read(peer, got + have, want.len + 1 - have);

		if (n <= 0)
			break;
		have += (size_t)n;
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(have, want.len);
	assert_memory_equal(got, want.p, want.len);
	free(got);
	free(message);
	sbuf_free(&want);
	(void)close(peer);
}

static void test_wire(void **state)
{
	(void)state;
	wire(0, 1);
	wire(1, 1);
	wire(1000, 7);
	wire(LIMIT_CHUNK - 1, LIMIT_CHUNK);
	wire(LIMIT_CHUNK, 1000);
	wire(LIMIT_CHUNK + 1, 100000);
	wire(300000, 300000);
}

static int says_nothing(int peer)
{
	struct pollfd p = {peer, POLLIN, 0};

	return poll(&p, 1, 0) == 0;
}

/* Whoever gives an envelope may let it go at once, whether it waits or not. */
static void test_envelope_is_not_lent(void **state)
{
	static const size_t sizes[] = {1, 2, SUBMIT_SMALL, SUBMIT_SMALL + 1, 60000};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		size_t n = sizes[i];
		char *env = malloc(n);
		char got[70000];
		char head[16];
		size_t h = (size_t)snprintf(head, sizeof head, "%zu:", n);
		int peer;

		assert_non_null(env);
		assert_int_equal(open_with(OFFER, 1, &peer), 0);
		memset(env, 'e', n);
		assert_int_equal(submit_envelope(&s, env, n), 0);
		memset(env, 'x', n);
		assert_int_equal(submit_push(&s), 0);
		assert_int_equal(read(peer, got, sizeof got), h + n + 1);
		assert_memory_equal(got, head, h);
		assert_ptr_equal(memchr(got + h, ',', n + 1), got + h + n);
		assert_null(memchr(got, 'x', h + n));
		submit_close(&s);
		(void)close(peer);
		free(env);
	}
}

/* A small message is one write; a push sends what there is, once. */
static void test_push(void **state)
{
	char got[100];
	char letter;
	int peer;

	(void)state;
	for (int pushes = 0; pushes < 3; pushes++) {
		assert_int_equal(open_with(OFFER "1:K,", 1, &peer), 0);
		assert_int_equal(submit_envelope(&s, ENV, sizeof ENV), 0);
		assert_true(says_nothing(peer));
		for (int i = 0; i < pushes; i++)
			assert_int_equal(submit_push(&s), 0);
		if (pushes > 0)
			assert_int_equal(read(peer, got, sizeof got), 14);
		assert_int_equal(submit_data(&s, "hi\n", 3), 0);
		assert_true(says_nothing(peer));
		s.deadline = clock_mono_ms() + 20; /* no second offer comes */
		assert_int_equal(submit_commit(&s, &letter), 0);
		assert_int_equal(read(peer, got, sizeof got), pushes > 0 ? 9 : 23);
		submit_close(&s);
		(void)close(peer);
	}
}

static void test_too_large(void **state)
{
	int peer;

	(void)state;
	assert_int_equal(open_with(OFFER, 0, &peer), 0);
	assert_int_equal(submit_envelope(&s, "", LIMIT_ENVELOPE + 1), -1);
	assert_int_equal(errno, EMSGSIZE);
	submit_close(&s);
	(void)close(peer);
}

static void test_server_gone(void **state)
{
	int peer;
	char letter;

	(void)state;
	assert_int_equal(open_with(OFFER, 0, &peer), 0);
	(void)close(peer);
	assert_int_equal(submit_envelope(&s, ENV, sizeof ENV), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(submit_commit(&s, &letter), -1);
	submit_close(&s);
	submit_close(&s); /* harmless */
}

static void test_nobody_serves(void **state)
{
	char dir[] = "/tmp/test_submit.XXXXXX";
	char path[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(paths_under(dir), 0);
	assert_int_equal(submit_open(&s, soon()), -1);
	assert_int_equal(errno, ENOENT);
	submit_close(&s);
	(void)snprintf(path, sizeof path, "%s/run", dir);
	assert_int_equal(rmdir(path) == 0 || errno == ENOENT, 1);
	assert_int_equal(rmdir(dir), 0);
}

/* A part could not be written: nothing of what follows may, or the message had a hole. */
static void test_nothing_follows_a_lost_part(void **state)
{
	static char big[4 * LIMIT_CHUNK];
	char got[4096];
	char answer;
	int peer;

	(void)state;
	assert_int_equal(open_with(OFFER, 1, &peer), 0);
	submit_deadline(&s, clock_mono_ms() + 50);
	assert_int_equal(submit_envelope(&s, ENV, sizeof ENV), 0);
	while (submit_data(&s, big, sizeof big) == 0)
		;
	assert_int_equal(errno, ETIMEDOUT);
	for (ssize_t n = 1; n > 0;) /* it has room again */
		n = recv(peer, got, sizeof got, MSG_DONTWAIT);
	submit_deadline(&s, soon());
	assert_int_equal(submit_data(&s, big, sizeof big), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(submit_commit(&s, &answer), -1);
	submit_close(&s);
	(void)close(peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_open),
	    cmocka_unit_test(test_reason),
	    cmocka_unit_test(test_commit),
	    cmocka_unit_test(test_withdrawn),
	    cmocka_unit_test(test_wire),
	    cmocka_unit_test(test_envelope_is_not_lent),
	    cmocka_unit_test(test_push),
	    cmocka_unit_test(test_too_large),
	    cmocka_unit_test(test_nothing_follows_a_lost_part),
	    cmocka_unit_test(test_server_gone),
	    cmocka_unit_test(test_nobody_serves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
