#include "submission.h"

#include <errno.h>

#include "conn.h"
#include "qlog.h"
#include "sending.h"

static void give_back(struct conn *c)
{
	c->account->use.bytes -= c->use.bytes;
	c->account->use.envelopes -= c->use.envelopes;
	c->use = (struct quota_use){0};
}

void submission_settle(struct conn *c, int sent)
{
	if (c->counted != NULL)
		sending_settle(&c->server->sending, c->counted, c->counted_hour,
			       c->draft.nrcpts, sent);
	c->counted = NULL;
}

void submission_drop(struct conn *c)
{
	submission_settle(c, 0);
	if (c->drafting)
		draft_drop(&c->draft);
	c->drafting = 0;
	give_back(c);
}

/* It has failed: nothing of it is kept, the answer waits for its end. */
static void fail(struct conn *c, char verdict, const char *why, int e)
{
	submission_drop(c);
	c->verdict = verdict;
	c->why = why;
	c->why_errno = e;
}

void submission_unwritten(struct conn *c)
{
	if (errno == EMSGSIZE)
		fail(c, 'D', "the message is too large", 0);
	else
		fail(c, 'Z', "unable to write to the queue", errno);
}

static int count(struct conn *c, size_t n, int in_envelope)
{
	const struct quota *q = &c->server->quota;

	if (quota_bytes(q, c->account, n) == -1) {
		fail(c, 'Z', "too many bytes of this user under way", 0);
		return -1;
	}
	c->use.bytes += n;
	if (!in_envelope)
		return 0;
	if (quota_envelope(q, c->account, n) == -1) {
		fail(c, 'Z', "too many envelopes of this user under way", 0);
		return -1;
	}
	c->use.envelopes += n;
	return 0;
}

static int begin(struct conn *c)
{
	if (c->drafting)
		return 0;
	c->drafting = 1;
	if (draft_begin(&c->draft, c->id, c->server->tmp_dir, c->account->uid) == 0)
		return 0;
	submission_unwritten(c);
	return -1;
}

void submission_envelope(struct conn *c, const char *p, size_t n)
{
	if (begin(c) == -1 || count(c, n, 1) == -1 ||
	    draft_envelope(&c->draft, p, n) == 0)
		return;
	if (errno == EMSGSIZE)
		fail(c, 'D', "the envelope is too large", 0);
	else
		submission_unwritten(c);
}

static void alarm_of_login(const struct conn *c, const char *login,
			   const struct amount *used)
{
	struct qlog l;

	qlog_begin(&l, "alarm");
	qlog_id(&l, c->id);
	qlog_str(&l, "login", login);
	qlog_num(&l, "messages", used->messages);
	qlog_num(&l, "rcpts", used->rcpts);
	qlog_str(&l, "reason", "over the limit of an hour");
	qlog_end(&l);
}

/* control/userlimit */
static void count_login(struct conn *c)
{
	const char *login = c->draft.b.p + c->draft.login;
	struct amount used;
	int r;

	if (c->draft.login == 0)
		return;
	r = sending_count(&c->server->sending, login, c->draft.nrcpts, c->server->now,
			  &c->counted, &used);
	if (c->counted != NULL)
		c->counted_hour = c->counted->hour;
	if (r == SENDING_ALARM)
		alarm_of_login(c, login, &used);
	if (r == -1)
		fail(c, 'Z', "unable to count what this login sends", errno);
	else if (r != SENDING_OK)
		fail(c, 'Z', "this login has sent too much in an hour", 0);
}

void submission_envelope_end(struct conn *c)
{
	if (begin(c) == -1)
		return;
	if (draft_envelope_end(&c->draft, c->account->trusted) == 0) {
		count_login(c);
		return;
	}
	if (errno == E2BIG)
		fail(c, 'D', "too many recipients", 0);
	else if (errno == EPERM)
		fail(c, 'D', "this user may not claim a client or login", 0);
	else
		fail(c, 'Z', "the envelope is not understood", 0);
}

void submission_message(struct conn *c, const char *p, size_t n)
{
	if (count(c, n, 0) == -1)
		return;
	if (draft_add(&c->draft, p, n) == -1) {
		submission_unwritten(c);
		return;
	}
	/* Each time that something went to the disk. */
	if (c->draft.b.len == c->draft.front) {
		const char *shortage = server_shortage(c->server);

		if (shortage != NULL)
			fail(c, 'Z', shortage, 0);
	}
}
