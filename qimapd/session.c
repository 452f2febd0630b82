#include "session.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "clock.h"
#include "io.h"
#include "notify.h"
#include "qlog.h"
#include "sortkept.h"
#include "update.h"
#include "verbs.h"
#include "watching.h"

enum { BADS = 20 }; /* commands in a row that are none */

struct session session;

static int64_t began;
static const char *ended = "quit";
static const char *reason;

/* result: one word; why: more of it, or NULL. */
static void log_end(const char *result, const char *why)
{
	struct qlog l;

	qlog_begin(&l, "logout");
	qlog_str(&l, "user", session.user);
	qlog_str(&l, "client", session.client);
	qlog_str(&l, "result", result);
	if (why != NULL)
		qlog_str(&l, "reason", why);
	qlog_num(&l, "in", io_count.in);
	qlog_num(&l, "out", io_count.out);
	qlog_num(&l, "commands", session.counts.commands);
	qlog_num(&l, "sent", session.counts.fetched);
	qlog_num(&l, "appended", session.counts.appended);
	qlog_num(&l, "copied", session.counts.copied);
	qlog_num(&l, "deleted", session.counts.expunged);
	qlog_num(&l, "seconds", (uint64_t)(clock_mono_ms() - began) / 1000);
	qlog_end(&l);
}

void session_leave(void)
{
	if (session.state != ST_SELECTED)
		return;
	watching_left();
	sortkept_forget();
	cache_close(session.cache);
	session.cache = NULL;
	box_close(&session.box);
	set_clear(&session.saved);
	session.state = ST_AUTH;
	session.told = session.keywords_told = 0;
	session.folder[0] = '\0';
}

void io_lost(const char *why)
{
	session_leave();
	log_end("lost", why);
	_exit(0);
}

void session_bye(const char *text)
{
	io_puts("* BYE ");
	io_puts(text);
	io_puts("\r\n");
	session.want_logout = 1;
}

void session_stale(void)
{
	if (session.want_logout)
		return;
	ended = "mailbox";
	session_bye("The mailbox was deleted, or made anew.");
}

void session_rest(void)
{
	in_rest();
	sortkept_forget();
	box_forget(session.kept);
	session.kept = NULL;
	if (session.state != ST_SELECTED)
		return;
	cache_flush(session.cache);
	box_rest(&session.box);
}

/* TAG SP [UID SP] VERB */
static int begin(struct command *c, struct in *in)
{
	struct text word;

	memcpy(c->tag, in->tag, sizeof c->tag);
	c->in = in;
	c->w = (struct words){in->p, in->n, strlen(in->tag),
			      (session.on & (ON_REV2 | ON_UTF8)) != 0};
	if (take_space(&c->w) == -1 || take_atom(&c->w, &word) == -1)
		return -1;
	if (strcasecmp(word.p, "UID") == 0) {
		c->uid = 1;
		if (take_space(&c->w) == -1 || take_atom(&c->w, &word) == -1)
			return -1;
	}
	c->verb = verb_find(word.p, c->uid);
	return c->verb != NULL ? 0 : -1;
}

static void run(struct command *c)
{
	if (!(c->verb->states & session.state))
		bad(c, "No mailbox is selected.");
	else if ((c->verb->bits & VERB_WRITES) && session.readonly &&
		 session.state == ST_SELECTED)
		no(c, "READ-ONLY", "The mailbox was opened by EXAMINE.");
	else
		c->verb->run(c);
}

static void one_command(struct in *in)
{
	struct command c = {.tag = "*"};

	session.counts.commands++;
	if (begin(&c, in) == -1)
		bad(&c, "There is no such command.");
	else
		run(&c);
	take_forget();
	in_rest();
}

/* A command that in.c could not take. */
static void refuse(struct in *in)
{
	struct command c = {.tag = "*", .in = in};

	memcpy(c.tag, in->tag, sizeof c.tag);
	if (in->code[0] != '\0')
		no(&c, in->code, "%s", in->why);
	else
		bad(&c, "%s", in->why);
}

int session_heard(enum in_what r, const struct in *in)
{
	switch (r) {
	case IN_WHOLE:
	case IN_MESSAGE:
	case IN_WRONG:
		return 0;
	case IN_END:
		ended = "lost";
		break;
	case IN_LATE:
		ended = "idle";
		session_bye("You were silent for too long.");
		break;
	case IN_CUT:
		ended = "cut";
		reason = in->why;
		session_bye(in->why);
		break;
	}
	session.want_logout = 1;
	return -1;
}

static void next_command(void)
{
	struct in in = {.code = ""};
	enum in_what r;

	if (notify_is_on() && io_pending() == 0 &&
	    !watching_wait(0, clock_mono_ms() + IN_IDLE)) {
		if (!session.want_logout)
			(void)session_heard(IN_LATE, &in);
		return;
	}
	r = in_command(&in);
	if (session_heard(r, &in) == -1)
		return;
	if (r == IN_WRONG)
		refuse(&in);
	else
		one_command(&in);
	if (session_bads() < BADS)
		return;
	ended = "errors";
	session_bye("Too many commands that are none.");
}

void session_serve(void)
{
	began = clock_mono_ms();
	while (!session.want_logout)
		next_command();
	session_leave(); /* the client's next session finds the index, not this one at it */
	io_flush();
	log_end(ended, reason);
	io_end();
}
