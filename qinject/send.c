#include "send.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"
#include "date822.h"
#include "fail.h"
#include "prog.h"
#include "rnd.h"
#include "submit.h"

enum { PATIENCE_S = 300, PATIENCE_MAX_S = 86400, PATIENCE_SHORT_S = 5 };
enum { PAUSE_FIRST_MS = 50, PAUSE_MAX_MS = 5000 };

enum result { SENT, AGAIN, NEVER };

/* 64 KB of buffers: not on the stack. */
static struct submit submit;

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

/* RFC 5321 4.4, shortened: there is no host that it came from. */
static int put_received(void)
{
	struct sbuf b = SBUF_INIT(LIMIT_TEXT);
	char date[DATE822_SIZE];
	int r;

	date822(date, time(NULL));
	r = sbuf_catf(&b, "Received: (quoin %s invoked by uid %lu); %s\n", submit.id,
		      (unsigned long)geteuid(), date);
	if (r == 0)
		r = put(NULL, b.p, b.len);
	sbuf_free(&b);
	return r;
}

static int put_envelope(const struct mail *m)
{
	struct sbuf env = SBUF_INIT(LIMIT_ENVELOPE);
	int r = 0;

	if (sbuf_catc(&env, 'F') == -1 || sbuf_catz(&env, m->sender) == -1 ||
	    sbuf_cat(&env, m->rcpts->fields.p, m->rcpts->fields.len) == -1)
		r = -1;
	deadline_in(SEND_IDLE_S);
	if (r == 0)
		r = submit_envelope(&submit, env.p, env.len);
	sbuf_free(&env);
	return r;
}

static int put_message(const struct mail *m)
{
	if (put_received() == -1)
		return -1;
	if (m->header != NULL &&
	    (put(NULL, m->header->p, m->header->len) == -1 || put(NULL, "\n", 1) == -1))
		return -1;
	return spool_each(m->body, put, NULL);
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

static enum result try_once(const struct mail *m, char id[QID_LEN + 1])
{
	char answer;

	if (submit_open(&submit, clock_mono_ms() + SEND_IDLE_S * INT64_C(1000)) == -1)
		return not_now();
	memcpy(id, submit.id, QID_LEN + 1);
	if (put_envelope(m) == -1 || put_message(m) == -1)
		return not_now();
	deadline_in(SEND_ANSWER_S);
	return submit_commit(&submit, &answer) == -1 ? not_now() : answered(answer);
}

/* Sleep, and make the next pause longer. Not in step with others that wait. */
static void take_pause(int64_t *pause, int64_t left)
{
	int64_t ms = *pause / 2 + (int64_t)rnd_below((uint32_t)*pause);

	(void)poll(NULL, 0, (int)(ms < left ? ms : left));
	*pause = *pause * 2 < PAUSE_MAX_MS ? *pause * 2 : PAUSE_MAX_MS;
}

int send_mail(const struct mail *m, send_patience *patience, char id[QID_LEN + 1])
{
	int64_t end = CLOCK_NEVER;
	int64_t pause = PAUSE_FIRST_MS;

	(void)signal(SIGPIPE, SIG_IGN);
	for (;;) {
		enum result r = try_once(m, id);
		int64_t now;

		submit_close(&submit);
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
