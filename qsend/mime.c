/* A notification as multipart/report. */
#include <stdio.h>
#include <string.h>

#include "date822.h"
#include "dsn_int.h"
#include "dsnparam.h"
#include "status.h"

static void begin_part(struct out *o, const struct dsn *d, const char *type,
		       const char *description)
{
	out_say(o, "--%s\nContent-Type: %s\nContent-Description: %s\n", d->boundary, type,
		description);
}

/* ---- the part for people ---- */

static const struct words {
	enum dsn_action action;
	const char *intro;
} words[] = {
    {DSN_FAILED, "I am sorry: your message did not reach the addresses below, and I "
		 "have stopped\ntrying. Under each address is what I was told about it."},
    {DSN_DELAYED, "Your message has not reached the addresses below yet. You need not "
		  "send it again:\nI go on trying. Under each address is what happened "
		  "last."},
    {DSN_DELIVERED, "Your message was delivered to these addresses:"},
    {DSN_RELAYED, "Your message was passed on to other hosts for these addresses. They "
		  "will not tell\nyou when it is delivered:"},
    {DSN_EXPANDED, "Your message was sent on to the people that these addresses stand "
		   "for; you will\nnot hear of each:"},
};

static void put_rcpt_words(struct out *o, const struct dsn_rcpt *r)
{
	char address[CLEAN_SIZE];
	char text[LIMIT_TEXT + 1];

	out_say(o, "\n<%s>:\n    %s\n", out_address(address, r->address),
		out_text(text, r->text));
}

static void put_group(struct out *o, const struct dsn *d, const struct words *w)
{
	if (!dsn_has(d, w->action))
		return;
	if (w->action == DSN_FAILED && dsn_kind(d->sender) == DSN_DOUBLE)
		out_say(o, "\nA notification of failure could not be delivered to its "
			   "recipient. It comes to\nyou, because you look after this "
			   "system's mail.\n");
	else
		out_say(o, "\n%s\n", w->intro);
	for (size_t i = 0; i < d->nrcpts; i++)
		if (d->rcpts[i].action == w->action)
			put_rcpt_words(o, &d->rcpts[i]);
}

static void put_words(struct out *o, const struct dsn *d)
{
	char date[DATE822_SIZE];

	begin_part(o, d, "text/plain; charset=us-ascii", "Notification");
	out_say(o, "\nHi. This is the mail system at %s.\n", d->me);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		put_group(o, d, &words[i]);
	if (dsn_has(d, DSN_DELAYED) && d->until > 0) {
		date822(date, d->until);
		out_say(o, "\nI shall give up at %s.\n", date);
	}
	out_say(o,
		"\nThe rest of this notification is for programs, and %s of your "
		"message%s.\n\n",
		d->header_only ? "the header" : "a copy",
		d->is_cut ? ", which is too large to come back" : "");
}

/* ---- the part for programs ---- */

/* RFC 3461 4.2, 4.4: xtext of printable ASCII, or it does not come from a server that
 * has looked; then it is left out. */
static void put_envid(struct out *o, const char *envid)
{
	char plain[LIMIT_ENVID + 1];

	if (envid != NULL && xtext_decode(plain, sizeof plain, envid) == 0)
		out_say(o, "Original-Envelope-Id: %s\n", plain);
}

static void put_orcpt(struct out *o, const char *orcpt)
{
	char plain[LIMIT_ORCPT + 1];
	size_t n = orcpt != NULL ? strcspn(orcpt, ";") : 0;

	if (orcpt != NULL && dsn_orcpt(orcpt) == 0 &&
	    xtext_decode(plain, sizeof plain, orcpt + n + 1) == 0)
		out_say(o, "Original-Recipient: %.*s; %s\n", (int)n, orcpt, plain);
}

static char class_of(enum dsn_action a)
{
	return a == DSN_FAILED ? '5' : a == DSN_DELAYED ? '4' : '2';
}

/* A message that was tried in vain until its end has failed with a 4.x.x (RFC 3463 2),
 * else action and class go together. */
static void put_status(struct out *o, const struct dsn_rcpt *r)
{
	char class = class_of(r->action);
	char code[STATUS_SIZE];
	int found = status_find(r->text, code);

	if (!found || (code[0] != class && !(class == '5' && code[0] == '4')))
		(void)snprintf(code, sizeof code, "%c.0.0", class);
	out_say(o, "Status: %s\n", code);
}

/* RFC 3464 2.3.6: smtp when it is a reply, else a type of our own. */
static const char *diagnostic_type(const char *text)
{
	return strspn(text, "0123456789") == 3 && (text[3] == ' ' || text[3] == '-')
		   ? "smtp"
		   : "X-Quoin";
}

static void put_diagnostic(struct out *o, const struct dsn_rcpt *r)
{
	char text[LIMIT_TEXT + 1];
	char host[LIMIT_DOMAIN + 1];
	const char *said = status_said(r->text, host);

	if (*host != '\0')
		out_say(o, "Remote-MTA: dns; %s\n", host);
	if (class_of(r->action) == '2' || *out_text(text, said) == '\0')
		return;
	out_say(o, "Diagnostic-Code: %s; %s\n", diagnostic_type(text), text);
}

static const char *const actions[] = {[DSN_FAILED] = "failed",
				      [DSN_DELAYED] = "delayed",
				      [DSN_DELIVERED] = "delivered",
				      [DSN_RELAYED] = "relayed",
				      [DSN_EXPANDED] = "expanded"};

/* The order is that of RFC 3464 2.3. */
static void put_rcpt(struct out *o, const struct dsn *d, const struct dsn_rcpt *r)
{
	char address[CLEAN_SIZE];
	char date[DATE822_SIZE];

	out_say(o, "\n");
	put_orcpt(o, r->orcpt);
	out_say(o, "Final-Recipient: rfc822; %s\nAction: %s\n",
		out_address(address, r->address), actions[r->action]);
	put_status(o, r);
	put_diagnostic(o, r);
	if (r->attempt > 0) {
		date822(date, r->attempt);
		out_say(o, "Last-Attempt-Date: %s\n", date);
	}
	if (r->action == DSN_DELAYED && d->until > 0) {
		date822(date, d->until);
		out_say(o, "Will-Retry-Until: %s\n", date);
	}
}

static void put_statuses(struct out *o, const struct dsn *d)
{
	char date[DATE822_SIZE];

	begin_part(o, d, "message/delivery-status", "Delivery status");
	date822(date, d->arrival);
	out_say(o, "\n");
	put_envid(o, d->envid);
	out_say(o, "Reporting-MTA: dns; %s\nArrival-Date: %s\nX-Quoin-Queue-ID: %s\n",
		d->me, date, d->queue_id);
	for (size_t i = 0; i < d->nrcpts; i++)
		put_rcpt(o, d, &d->rcpts[i]);
	out_say(o, "\n");
}

/* ---- the original ---- */

static void begin_original(struct out *o, const struct dsn *d)
{
	char address[CLEAN_SIZE];

	begin_part(o, d, d->header_only ? "text/rfc822-headers" : "message/rfc822",
		   d->header_only ? "Header of the message" : "The message");
	out_say(o, "Content-Transfer-Encoding: %s\n\nReturn-Path: <%s>\n",
		d->is_8bit ? "8bit" : "7bit", out_address(address, d->sender));
}

void mime_begin(struct out *o, const struct dsn *d)
{
	out_say(o,
		"MIME-Version: 1.0\n"
		"Content-Type: multipart/report; report-type=delivery-status;\n"
		"\tboundary=\"%s\"\n"
		"%s\n"
		"This is a delivery status notification in MIME format.\n\n",
		d->boundary,
		d->is_8bit ? "Content-Transfer-Encoding: 8bit\n" : ""); /* RFC 2045 6.4 */
	put_words(o, d);
	put_statuses(o, d);
	begin_original(o, d);
}
