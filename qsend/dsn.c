#include "dsn.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "date822.h"
#include "escape.h"
#include "qlimits.h"
#include "status.h"

enum { LINE = 4 * LIMIT_ADDRESS };

struct out {
	dsn_put *put;
	void *arg;
	int failed;
};

static void put(struct out *o, const char *p, size_t n)
{
	if (!o->failed && o->put(o->arg, p, n) == -1)
		o->failed = 1;
}

__attribute__((format(printf, 2, 3))) static void say(struct out *o, const char *fmt, ...)
{
	char line[LINE];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof line)
		o->failed = 1;
	else
		put(o, line, (size_t)n);
}

/* An address on a line of ours: in SMTP's form, one line, printable. */
static const char *clean_address(char out[2 * LIMIT_ADDRESS], const char *address)
{
	char quoted[2 * LIMIT_ADDRESS];
	size_t n = 0;

	if (addr_quote(address, quoted, sizeof quoted) == -1)
		(void)snprintf(quoted, sizeof quoted, "%s", address);
	for (const char *p = quoted; *p != '\0'; p++)
		out[n++] = *p >= 0x20 && *p <= 0x7e ? *p : '?';
	out[n] = '\0';
	return out;
}

enum dsn_kind dsn_kind(const char *sender)
{
	if (*sender == '\0')
		return DSN_DOUBLE;
	return strcmp(sender, "#@[]") == 0 ? DSN_DISCARD : DSN_SINGLE;
}

static void put_header(struct out *o, const struct dsn *d)
{
	char address[2 * LIMIT_ADDRESS];
	char date[DATE822_SIZE];

	date822(date, d->now);
	say(o, "Date: %s\n", date);
	say(o, "From: %s\n", clean_address(address, d->from));
	say(o, "To: %s\n", clean_address(address, d->to));
	say(o,
	    "Subject: failure notice\n"
	    "Message-ID: <%s@%s>\n"
	    "Auto-Submitted: auto-replied\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\n"
	    "\tboundary=\"%s\"\n\n"
	    "This is a delivery status notification in MIME format.\n\n",
	    d->id, d->me, d->boundary);
}

static void begin_part(struct out *o, const struct dsn *d, const char *type,
		       const char *description)
{
	say(o, "--%s\nContent-Type: %s\nContent-Description: %s\n", d->boundary, type,
	    description);
}

static void put_words(struct out *o, const struct dsn *d)
{
	begin_part(o, d, "text/plain; charset=us-ascii", "Notification");
	say(o, "\nHi. This is the mail system at %s.\n", d->me);
	if (dsn_kind(d->sender) == DSN_DOUBLE)
		say(o, "\nA notification of failure could not be delivered to its "
		       "recipient. It comes to\nyou, because you look after this "
		       "system's mail.\n");
	else
		say(o, "\nI am sorry: your message did not reach the addresses below, "
		       "and I have stopped\ntrying. Under each address is what I was "
		       "told about it.\n");
	for (size_t i = 0; i < d->nfailures; i++) {
		char address[2 * LIMIT_ADDRESS];
		char text[LIMIT_TEXT + 1];

		(void)escape_text(text, sizeof text, d->failures[i].text,
				  strlen(d->failures[i].text));
		say(o, "\n<%s>:\n    %s\n",
		    clean_address(address, d->failures[i].address), text);
	}
	say(o,
	    "\nThe rest of this notification is for programs, and %s of your "
	    "message.\n\n",
	    d->is_cut ? "the beginning" : "a copy");
}

/* RFC 3464 2.3.6: smtp when it is a reply, else a type of our own. */
static const char *diagnostic_type(const char *text)
{
	return strspn(text, "0123456789") == 3 && (text[3] == ' ' || text[3] == '-')
		   ? "smtp"
		   : "X-Quoin";
}

static void put_failure(struct out *o, const struct dsn_failure *f)
{
	char address[2 * LIMIT_ADDRESS];
	char text[LIMIT_TEXT + 1];
	char status[STATUS_SIZE];

	if (!status_find(f->text, status))
		(void)snprintf(status, sizeof status, "5.0.0");
	(void)escape_text(text, sizeof text, f->text, strlen(f->text));
	say(o, "\nFinal-Recipient: rfc822; %s\nAction: failed\nStatus: %s\n",
	    clean_address(address, f->address), status);
	if (*text != '\0')
		say(o, "Diagnostic-Code: %s; %s\n", diagnostic_type(text), text);
}

static void put_status(struct out *o, const struct dsn *d)
{
	char date[DATE822_SIZE];

	begin_part(o, d, "message/delivery-status", "Delivery status");
	date822(date, d->arrival);
	say(o, "\nReporting-MTA: dns; %s\nX-Quoin-Queue-ID: %s\nArrival-Date: %s\n",
	    d->me, d->queue_id, date);
	for (size_t i = 0; i < d->nfailures; i++)
		put_failure(o, &d->failures[i]);
	say(o, "\n");
}

static int is_8bit(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] > 127)
			return 1;
	return 0;
}

static void put_original(struct out *o, const struct dsn *d)
{
	char address[2 * LIMIT_ADDRESS];

	begin_part(o, d, "message/rfc822",
		   d->is_cut ? "Undelivered message, cut" : "Undelivered message");
	say(o, "Content-Transfer-Encoding: %s\n\nReturn-Path: <%s>\n",
	    is_8bit(d->copy, d->ncopy) ? "8bit" : "7bit",
	    clean_address(address, d->sender));
	put(o, d->copy, d->ncopy);
	say(o, "\n--%s--\n", d->boundary);
}

int dsn_write(const struct dsn *d, dsn_put *to, void *arg)
{
	struct out o = {to, arg, 0};

	put_header(&o, d);
	put_words(&o, d);
	put_status(&o, d);
	put_original(&o, d);
	return o.failed ? -1 : 0;
}
