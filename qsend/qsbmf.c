/* A notification of failures in qmail's own format (QSBMF, by D. J. Bernstein): a
 * paragraph that begins with "Hi. This is the", one for each recipient that begins with
 * "<ADDRESS>:", one that begins with "-", and the message. A paragraph has no blank line
 * in it. */
#include <string.h>

#include "dsn_int.h"

static void put_intro(struct out *o, const struct dsn *d)
{
	out_say(o, "\nHi. This is the Quoin mail system at %s.\n", d->me);
	if (dsn_kind(d->sender) == DSN_DOUBLE)
		out_say(o, "A notification of failure could not be delivered to its "
			   "recipient.\n\n");
	else
		out_say(o, "Your message did not reach the addresses below, and I have "
			   "stopped trying.\n\n");
}

static void put_rcpt(struct out *o, const struct dsn_rcpt *r)
{
	char address[CLEAN_SIZE];
	char text[LIMIT_TEXT + 1];

	out_say(o, "<%s>:\n", out_address(address, r->address));
	if (out_text(text, r->text)[strspn(text, " ")] != '\0')
		out_say(o, "%s\n", text);
	out_say(o, "\n");
}

void qsbmf_begin(struct out *o, const struct dsn *d)
{
	char address[CLEAN_SIZE];

	put_intro(o, d);
	for (size_t i = 0; i < d->nrcpts; i++)
		put_rcpt(o, &d->rcpts[i]);
	out_say(o, "--- Below this line is %s of the message%s.\n\nReturn-Path: <%s>\n",
		d->header_only ? "the header" : "a copy",
		d->is_cut ? ", which is too large to come back" : "",
		out_address(address, d->sender));
}
