#include "send.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"
#include "fail.h"
#include "handon.h"
#include "prog.h"
#include "rnd.h"
#include "submit.h"

enum { PATIENCE_S = 300, PATIENCE_MAX_S = 86400, PATIENCE_SHORT_S = 5 };
enum { PAUSE_FIRST_MS = 50, PAUSE_MAX_MS = 5000 };

enum result { SENT, AGAIN, NEVER };

/* 64 KB of buffers: not on the stack. */
static struct submit submit;
static char queued[32 + QID_LEN];

int send_has_terminal(void)
{
	return isatty(0) || isatty(2);
}

int64_t send_patience_caller(void)
{
	uint64_t s = PATIENCE_S;

	if (send_has_terminal())
		return SEND_TERMINAL_S;
	if (control_num("sendmailwait", PATIENCE_MAX_S, &s) == -1)
		warn_msg("%s; waiting for %d s", control_error(), PATIENCE_S);
	return (int64_t)s;
}

int64_t send_patience_short(void)
{
	return PATIENCE_SHORT_S;
}

static void deadline_in(int s)
{
	submit_deadline(&submit, clock_mono_ms() + s * INT64_C(1000));
}

static int put(void *arg, const void *p, size_t n)
{
	(void)arg;
	deadline_in(SEND_IDLE_S);
	return submit_data(&submit, p, n);
}

static int put_envelope(const struct mail *m)
{
	struct sbuf env = SBUF_INIT(LIMIT_ENVELOPE);
	int r = mail_envelope(m, &env);

	deadline_in(SEND_IDLE_S);
	if (r == 0)
		r = submit_envelope(&submit, env.p, env.len);
	sbuf_free(&env);
	return r;
}

static enum result not_now(void)
{
	switch (errno) {
	case EMSGSIZE:
		(void)fail(FAIL_DATA, "the envelope is too large (over %d bytes)",
			   LIMIT_ENVELOPE);
		return NEVER;
	case EAGAIN:
		(void)fail(FAIL_LATER, "qqueue says: %s", submit.text);
		return AGAIN;
	case ENOENT:
	case ECONNREFUSED:
		(void)fail(FAIL_SHUT, "the queue is not served (qqueue does not run)");
		return AGAIN;
	case ETIMEDOUT:
		(void)fail(FAIL_TIMEOUT, "qqueue does not answer");
		return AGAIN;
	default:
		(void)fail_sys(FAIL_LOST, "talk to qqueue");
		return AGAIN;
	}
}

static enum result answered(char answer)
{
	switch (answer) {
	case 'K':
		return SENT;
	case 'D':
		(void)fail(FAIL_REFUSED, "qqueue refuses the message: %s", submit.text);
		return NEVER;
	default:
		(void)fail(FAIL_LATER, "qqueue says: %s", submit.text);
		return AGAIN;
	}
}

static enum result submit_once(const struct mail *m, const char **said)
{
	char answer;

	if (submit_open(&submit, clock_mono_ms() + SEND_IDLE_S * INT64_C(1000)) == -1)
		return not_now();
	(void)snprintf(queued, sizeof queued, "queued as %s", submit.id);
	*said = queued;
	if (put_envelope(m) == -1 || mail_each(m, submit.id, put, NULL) == -1)
		return not_now();
	deadline_in(SEND_ANSWER_S);
	return submit_commit(&submit, &answer) == -1 ? not_now() : answered(answer);
}

static enum result to_queue(const struct mail *m, const char **said)
{
	enum result r = submit_once(m, said);

	submit_close(&submit);
	return r;
}

/* ---- the smart host of a null client ---- */

static struct handon handon;

/* Where the queue is not served it is the smart host's answer that counts. */
static enum result queue_the_rest(const struct mail *m, const char **said)
{
	char why[2 * LIMIT_TEXT];
	enum result r;

	(void)snprintf(why, sizeof why, "%s", fail_text());
	r = to_queue(m, said);
	if (r == AGAIN)
		(void)fail(FAIL_LATER, "%s", why);
	return r;
}

static enum result to_smarthost(struct mail *m, const char *route, const char **said)
{
	static char id[QID_LEN + 1];
	enum result r = SENT;

	if (handon_try(&handon, m, route, id) == -1)
		r = queue_the_rest(m, said);
	else
		*said = handon.text;
	if (r != SENT || handon.refused == 0)
		return r;
	if (handon.refused == 1)
		(void)fail(FAIL_REFUSED, "%s", handon.why);
	else
		(void)fail(FAIL_REFUSED, "%s (and %u more)", handon.why,
			   handon.refused - 1);
	return NEVER;
}

static enum result try_once(struct mail *m, const char **said)
{
	static char route[LIMIT_ROUTE + 1];

	switch (handon_route(route)) {
	case 1:
		return to_smarthost(m, route, said);
	case 0:
		return to_queue(m, said);
	default:
		return NEVER;
	}
}

/* Sleep, and make the next pause longer. Not in step with others that wait. */
static void take_pause(int64_t *pause, int64_t left)
{
	int64_t ms = *pause / 2 + (int64_t)rnd_below((uint32_t)*pause);

	(void)poll(NULL, 0, (int)(ms < left ? ms : left));
	*pause = *pause * 2 < PAUSE_MAX_MS ? *pause * 2 : PAUSE_MAX_MS;
}

int send_mail(struct mail *m, send_patience *patience, const char **said)
{
	const char *nobody;
	int64_t end = CLOCK_NEVER;
	int64_t pause = PAUSE_FIRST_MS;

	(void)signal(SIGPIPE, SIG_IGN);
	handon.refused = 0;
	for (;;) {
		enum result r = try_once(m, said != NULL ? said : &nobody);
		int64_t now;

		if (r != AGAIN)
			return r == SENT ? 0 : -1;
		now = clock_mono_ms();
		if (end == CLOCK_NEVER)
			end = now + patience() * 1000;
		if (now >= end)
			return -1;
		take_pause(&pause, end - now);
	}
}
