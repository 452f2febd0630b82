#include "received.h"

#include <string.h>

#include "addr.h"
#include "date822.h"

/* RFC 5321 4.1.3 */
static const char *tag(const char *ip)
{
	return strchr(ip, ':') != NULL ? "IPv6:" : "";
}

static int put_from(struct sbuf *b, const struct received *r)
{
	if (r->hidden)
		return sbuf_cats(b, "Received: ");
	return sbuf_catf(b, "Received: from %s (%s [%s%s])\n  ", r->helo, r->host,
			 tag(r->ip), r->ip);
}

static int put_rcpt(struct sbuf *b, const char *rcpt)
{
	char quoted[2 * LIMIT_ADDRESS];

	if (addr_quote(rcpt, quoted, sizeof quoted) == -1)
		return -1;
	return sbuf_catf(b, "\n  for <%s>", quoted);
}

int received_make(struct sbuf *b, const struct received *r)
{
	char date[DATE822_SIZE];

	date822(date, r->when);
	if (put_from(b, r) == -1 || sbuf_catf(b, "by %s with %s", r->by, r->with) == -1 ||
	    (r->tls != NULL && sbuf_catf(b, " (%s %s)\n ", r->tls, r->cipher) == -1) ||
	    sbuf_catf(b, " id %s", r->id) == -1)
		return -1;
	if (r->rcpt != NULL && put_rcpt(b, r->rcpt) == -1)
		return -1;
	return sbuf_catf(b, ";\n  %s\n", date);
}
