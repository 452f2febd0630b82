/* qmail-queue: qmail's interface to the queue, for the filters and list managers that
 * speak it: a message on descriptor 0, its envelope on descriptor 1.
 *
 *	envelope = "F" sender NUL *("T" recipient NUL) NUL
 *
 * Who:    runs as its caller; there is nothing set-uid about it.
 * Writes: one line on descriptor 2 when it fails; the exit code is the answer.
 * Asks:   qqueue; on a null client the smart host, by qremote.
 * Never:  changes the message, but for line ends and the Received field; answers 0
 *	   before qqueue, or on a null client the smart host, has promised to keep it.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "clock.h"
#include "fail.h"
#include "fdio.h"
#include "inject.h"
#include "paths.h"
#include "prog.h"

/* qmail-queue(8): 11 to 40 are permanent, all others temporary. */
enum {
	Q_LONG = 11,
	Q_REFUSED = 31,
	Q_MEMORY = 51,
	Q_TIMEOUT = 52,
	Q_WRITE = 53,
	Q_READ = 54,
	Q_CONFIG = 55,
	Q_LATER = 71,
	Q_NO_ANSWER = 72,
	Q_SHUT = 73,
	Q_LOST = 74,
	Q_BUG = 81,
	Q_ENVELOPE = 91
};

static const int exits[FAIL_KINDS] = {
    [FAIL_NONE] = Q_BUG,          [FAIL_USAGE] = Q_BUG,         [FAIL_DATA] = Q_REFUSED,
    [FAIL_ENVELOPE] = Q_ENVELOPE, [FAIL_ADDRESS] = Q_REFUSED,   [FAIL_LONG] = Q_LONG,
    [FAIL_REFUSED] = Q_REFUSED,   [FAIL_READ] = Q_READ,         [FAIL_SPOOL] = Q_WRITE,
    [FAIL_MEMORY] = Q_MEMORY,     [FAIL_CONFIG] = Q_CONFIG,     [FAIL_LATER] = Q_LATER,
    [FAIL_SHUT] = Q_SHUT,         [FAIL_TIMEOUT] = Q_NO_ANSWER, [FAIL_LOST] = Q_LOST,
    [FAIL_CANTCREAT] = Q_WRITE,
};

/* A caller that never ends its message does not keep us for ever. */
enum { LIFE_S = 86400 };

static _Noreturn void die(void)
{
	die_msg(exits[fail_last()], "%s", fail_text());
}

static void on_alarm(int sig)
{
	(void)sig;
	_exit(Q_TIMEOUT);
}

static int read_envelope(struct sbuf *env)
{
	for (;;) {
		ssize_t r;

		if (sbuf_reserve(env, 4096) == -1)
			return fail_full(FAIL_DATA, "the envelope is too large");
		r = fd_read_some(1, env->p + env->len, 4096, CLOCK_NEVER);
		if (r == -1)
			return fail_sys(FAIL_READ, "read the envelope");
		if (r == 0)
			return 0;
		env->len += (size_t)r;
	}
}

/* "F" or "T" and its address at *at; *at moves behind the NUL. */
static int take(const struct sbuf *env, size_t *at, char letter, const char **address)
{
	size_t left = env->len - *at;
	const char *p = env->p + *at;
	const char *nul = left > 0 ? memchr(p, '\0', left) : NULL;

	if (nul == NULL || *p != letter)
		return fail(FAIL_ENVELOPE, "the envelope is malformed");
	if ((size_t)(nul - p) - 1 > LIMIT_ADDRESS)
		return fail(FAIL_LONG, "an address is too long");
	*address = p + 1;
	*at += (size_t)(nul - p) + 1;
	return is_one_line(p)
		   ? 0
		   : fail(FAIL_ADDRESS, "an address contains a control character");
}

static int parse_envelope(const struct sbuf *env, struct injection *inj)
{
	const char *rcpt = "";
	size_t at = 0;

	if (take(env, &at, 'F', &inj->mail.sender) == -1)
		return -1;
	do
		if (take(env, &at, 'T', &rcpt) == -1 ||
		    rcpts_add(&inj->rcpts, rcpt) == -1)
			return -1;
	while (at < env->len && env->p[at] != '\0');
	if (at + 1 != env->len)
		return fail(FAIL_ENVELOPE, "the envelope does not end as it must");
	return 0;
}

int main(int argc, char **argv)
{
	static struct injection inj;
	static struct input in;
	struct sbuf env = SBUF_INIT(LIMIT_ENVELOPE + 4096);

	prog_init("qmail-queue");
	if (fd_fill_std() == -1)
		die_sys(Q_READ, "open /dev/null");
	if (argc == 3 && strcmp(argv[1], "-C") == 0) {
		if (paths_under(argv[2]) == -1)
			die_sys2(Q_BUG, "use directory", argv[2]);
	} else if (argc > 1) {
		die_msg(Q_BUG, "there are no arguments but -C dir");
	}
	(void)signal(SIGALRM, on_alarm);
	(void)alarm(LIFE_S);
	injection_init(&inj);
	input_init(&in, 0);
	if (message_read_whole(&inj.message, &in) == -1 || read_envelope(&env) == -1 ||
	    parse_envelope(&env, &inj) == -1)
		die();
	inj.mail.rcpts = &inj.rcpts;
	inj.mail.body = &inj.message.body;
	if (send_mail(&inj.mail, send_patience_short, NULL) == -1)
		die();
	return 0;
}
