/* The end of a session, whatever came of it: its line in the log, its answer, its exit. */
#include "session_int.h"

#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "qlog.h"
#include "usock.h"

struct session session_now;
static struct session *const s = &session_now;

static void log_session(const char *result, const char *why)
{
	struct qlog l;

	qlog_begin(&l, "session");
	qlog_str(&l, "role", s->start->role->server ? "server" : "client");
	qlog_num(&l, "uid", s->start->uid);
	if (s->facts.version[0] != '\0') {
		qlog_str(&l, "tls", s->facts.version);
		qlog_str(&l, "cipher", s->facts.cipher);
		if (!s->start->role->server)
			qlog_str(&l, "verified", s->facts.verified ? "yes" : "no");
	}
	if (s->facts.name[0] != '\0')
		qlog_str(&l, "name", s->facts.name);
	if (s->facts.key[0] != '\0')
		qlog_str(&l, "pin", s->facts.key);
	qlog_str(&l, "result", result);
	if (why != NULL)
		qlog_str(&l, "reason", why);
	qlog_num(&l, "in", s->bytes.in);
	qlog_num(&l, "out", s->bytes.out);
	qlog_num(&l, "ms", (uint64_t)(clock_mono_ms() - s->began));
	qlog_end(&l);
}

_Noreturn void session_end(const char *how, const char *why)
{
	log_session(how, why);
	_exit(0);
}

_Noreturn void session_refuse(char letter, const char *how, const char *text)
{
	char frame[LIMIT_TEXT + 3];
	int n = snprintf(frame, sizeof frame, "-%c%s", letter, text);

	if (n > 0)
		(void)usock_send(
		    s->caller, frame,
		    ((size_t)n < sizeof frame ? (size_t)n : sizeof frame - 1) + 1, -1);
	session_end(how, text);
}
