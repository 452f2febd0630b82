/* The lines that both formats of a notification have. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "date822.h"
#include "dsn_int.h"
#include "escape.h"

enum { LINE = 4 * LIMIT_ADDRESS };

void out_say(struct out *o, const char *fmt, ...)
{
	char line[LINE];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (o->failed)
		return;
	o->failed =
	    n < 0 || n >= (int)sizeof line || o->put(o->arg, line, (size_t)n) == -1;
}

const char *out_address(char out[CLEAN_SIZE], const char *address)
{
	char quoted[CLEAN_SIZE];
	size_t n = 0;

	if (addr_quote(address, quoted, sizeof quoted) == -1)
		(void)snprintf(quoted, sizeof quoted, "%s", address);
	for (const char *p = quoted; *p != '\0'; p++)
		out[n++] = *p >= 0x20 && *p <= 0x7e ? *p : '?';
	out[n] = '\0';
	return out;
}

const char *out_text(char out[LIMIT_TEXT + 1], const char *text)
{
	(void)escape_text(out, LIMIT_TEXT + 1, text, strlen(text));
	return out;
}

static const char *subject(const struct dsn *d)
{
	if (dsn_has(d, DSN_FAILED))
		return "failure notice";
	return dsn_has(d, DSN_DELAYED) ? "delay notice" : "delivery notice";
}

/* RFC 3834 5: made because of a message, by a program. */
void out_header(struct out *o, const struct dsn *d)
{
	char address[CLEAN_SIZE];
	char date[DATE822_SIZE];

	date822(date, d->now);
	out_say(o, "Date: %s\n", date);
	out_say(o, "From: %s\n", out_address(address, d->from));
	out_say(o, "To: %s\n", out_address(address, d->to));
	out_say(o, "Subject: %s\nMessage-ID: <%s@%s>\nAuto-Submitted: auto-replied\n",
		subject(d), d->id, d->me);
}
