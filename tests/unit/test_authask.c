/* authask: frames of a login, and what the caller makes of every answer. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exact.h"
#include "service.h"

#include "authask.h"
#include "clock.h"
#include "usock.h"

/* ---- frames ---- */

static const struct {
	const char *name;
	const char *frame;
	size_t n;
	int wanted;
} frames[] = {
#define F(s) (s), sizeof(s) - 1
    {"plain", F("smtp\0c\0joe\0secret\0\0"), 0},
    {"a word", F("imap\0::1\0joe\0secret\0a1 \0"), 0},
    {"no client", F("smtp\0\0joe\0secret\0\0"), 0},
    {"any bytes", F("smtp\0c\0j\377\n\0\001\177 \0\0"), 0},
    {"empty", F(""), -1},
    {"short", F("smtp\0c\0u\0p\0"), -1},
    {"no NUL at the end", F("smtp\0c\0u\0p\0w"), -1},
    {"a NUL in the password", F("smtp\0c\0u\0p\0q\0\0"), -1},
    {"trailing byte", F("smtp\0c\0u\0p\0\0x"), -1},
    {"no service", F("\0c\0u\0p\0\0"), -1},
    {"odd service", F("SMTP\0c\0u\0p\0\0"), -1},
    {"a path for a service", F("../x\0c\0u\0p\0\0"), -1},
    {"no name", F("smtp\0c\0\0p\0\0"), -1},
    {"no password", F("smtp\0c\0u\0\0\0"), -1},
#undef F
};

static void try_frame(const char *name, const char *frame, size_t len, int wanted)
{
	char *copy = exact(frame, len);
	char again[LIMIT_AUTHFRAME];
	struct auth_want w;
	size_t n;

	if (authask_get(&w, copy, len) != wanted)
		fail_msg("%s", name);
	if (wanted == 0) {
		assert_int_equal(w.session, -1);
		assert_int_equal(authask_put(again, &n, &w), 0);
		assert_int_equal(n, len);
		assert_memory_equal(again, copy, n);
	}
	free(copy);
}

static void reads_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(frames); i++)
		try_frame(frames[i].name, frames[i].frame, frames[i].n, frames[i].wanted);
}

/* Each field as long as it may be, and a byte longer. */
static void knows_its_limits(void **state)
{
	static const size_t limit[] = {LIMIT_SERVICE, LIMIT_AUTHCLIENT, LIMIT_LOGIN,
				       LIMIT_PASSWORD, LIMIT_AUTHWORD};

	(void)state;
	for (size_t field = 0; field < 2 * COUNT(limit); field++) {
		char frame[LIMIT_AUTHFRAME];
		size_t n = 0;

		for (size_t i = 0; i < COUNT(limit); i++) {
			size_t len = i == field / 2 ? limit[i] + field % 2 : 1;

			memset(frame + n, 'x', len);
			n += len;
			frame[n++] = '\0';
		}
		try_frame("limits", frame, n, field % 2 ? -1 : 0);
	}
}

static void writes_nothing_too_long(void **state)
{
	char frame[LIMIT_AUTHFRAME];
	char name[LIMIT_LOGIN + 2];
	struct auth_want w = {"smtp", "c", name, "secret", NULL, -1};
	size_t n;

	(void)state;
	memset(name, 'u', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	memset(frame, 'x', sizeof frame);
	assert_int_equal(authask_put(frame, &n, &w), -1);
	assert_int_equal(errno, EMSGSIZE);
	w.user = "u";
	assert_int_equal(authask_put(frame, &n, &w), 0);
	assert_int_equal(n, sizeof "smtp\0c\0u\0secret\0");
}

/* ---- answers ---- */

static int door = -1;

static int setup(void **state)
{
	(void)state;
	if (service_begin("/qauth-smtp") == -1)
		return -1;
	door = usock_listen("qauth-smtp", SOCK_SEQPACKET, 0600);
	return door == -1 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	return service_end("/qauth-smtp");
}

/* A qauth that says this to the first who asks, whatever it is: 0 bytes are a hang. */
static pid_t say(const char *answer, size_t n)
{
	pid_t pid = fork();
	char frame[LIMIT_AUTHFRAME];
	int fd;

	assert_int_not_equal(pid, -1);
	if (pid != 0)
		return pid;
	while ((fd = accept(door, NULL, NULL)) == -1)
		(void)usleep(1000);
	(void)!read(fd, frame, sizeof frame);
	if (n == 0)
		(void)pause();
	(void)!write(fd, answer, n);
	_exit(0);
}

static const struct {
	const char *answer;
	size_t n;
	enum auth_answer wanted;
	const char *text; /* NULL: one of authask's own */
} answers[] = {
#define F(s) (s), sizeof(s) - 1
    {F("+joe@example\0"), AUTH_YES, "joe@example"},
    {F("-no\0"), AUTH_NO, "no"},
    {F("Cgo\0"), AUTH_CUT, "go"},
    {F("Zlater\0"), AUTH_LATER, "later"},
    {F("-two\nlines\0"), AUTH_NO, "two lines"},
    {F("+\0"), AUTH_LATER, NULL},
    {F("+joe"), AUTH_LATER, NULL},
    {F("+joe\0x"), AUTH_LATER, NULL},
    {F("Xjoe\0"), AUTH_LATER, NULL},
    {F("\0joe\0"), AUTH_LATER, NULL},
    {F("+"), AUTH_LATER, NULL},
#undef F
};

static void takes_answers(void **state)
{
	const struct auth_want w = {"smtp", "192.0.2.1", "joe", "secret", NULL, -1};
	char out[LIMIT_TEXT + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		pid_t pid = say(answers[i].answer, answers[i].n);

		if (authask("qauth-smtp", &w, out, clock_mono_ms() + 60000) !=
		    answers[i].wanted)
			fail_msg("%zu: %s", i, out);
		if (answers[i].text != NULL)
			assert_string_equal(out, answers[i].text);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
}

/* An account of as many bytes as may be, a longer one, a text that is too long. */
static void takes_no_long_answer(void **state)
{
	static const struct {
		char letter;
		size_t len;
		enum auth_answer wanted;
	} long_ones[] = {{'+', LIMIT_LOGIN, AUTH_YES},
			 {'+', LIMIT_LOGIN + 1, AUTH_LATER},
			 {'-', LIMIT_TEXT, AUTH_NO},
			 {'-', LIMIT_TEXT + 1, AUTH_LATER}};
	const struct auth_want w = {"smtp", "192.0.2.1", "joe", "secret", NULL, -1};

	(void)state;
	for (size_t i = 0; i < COUNT(long_ones); i++) {
		char answer[LIMIT_TEXT + 3];
		char out[LIMIT_TEXT + 1];
		pid_t pid;

		memset(answer, 'x', sizeof answer);
		answer[0] = long_ones[i].letter;
		answer[1 + long_ones[i].len] = '\0';
		pid = say(answer, long_ones[i].len + 2);
		assert_int_equal(authask("qauth-smtp", &w, out, clock_mono_ms() + 60000),
				 long_ones[i].wanted);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
}

static void does_not_wait_for_ever(void **state)
{
	const struct auth_want w = {"smtp", "192.0.2.1", "joe", "secret", NULL, -1};
	char out[LIMIT_TEXT + 1];
	pid_t pid = say("", 0);

	(void)state;
	assert_int_equal(authask("qauth-smtp", &w, out, clock_mono_ms() + 50),
			 AUTH_LATER);
	assert_int_equal(errno, ETIMEDOUT);
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(authask("nowhere", &w, out, CLOCK_NEVER), AUTH_LATER);
	assert_int_equal(errno, ENOENT);
}

/* What can be no password is not asked. */
static void says_no_itself(void **state)
{
	char name[LIMIT_LOGIN + 2];
	char password[LIMIT_PASSWORD + 2];
	char out[LIMIT_TEXT + 1];
	struct auth_want w = {"smtp", "c", "", "secret", NULL, -1};

	(void)state;
	memset(name, 'u', sizeof name - 1);
	memset(password, 'p', sizeof password - 1);
	name[sizeof name - 1] = password[sizeof password - 1] = '\0';
	assert_int_equal(authask("nowhere", &w, out, CLOCK_NEVER), AUTH_NO);
	w.user = name;
	assert_int_equal(authask("nowhere", &w, out, CLOCK_NEVER), AUTH_NO);
	w.user = "joe";
	w.password = "";
	assert_int_equal(authask("nowhere", &w, out, CLOCK_NEVER), AUTH_NO);
	w.password = password;
	assert_int_equal(authask("nowhere", &w, out, CLOCK_NEVER), AUTH_NO);
	assert_string_equal(out, AUTH_WRONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_frames),
	    cmocka_unit_test(knows_its_limits),
	    cmocka_unit_test(writes_nothing_too_long),
	    cmocka_unit_test(takes_answers),
	    cmocka_unit_test(takes_no_long_answer),
	    cmocka_unit_test(does_not_wait_for_ever),
	    cmocka_unit_test(says_no_itself),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
