#include "complete.h"

#include <string.h>
#include <strings.h>

#include "addr.h"
#include "date822.h"

enum { SEEN_DATE = 1, SEEN_ID = 2, SEEN_FROM = 4 };

static const struct field {
	const char *name;
	unsigned seen;
} fields[] = {{"Date", SEEN_DATE}, {"Message-ID", SEEN_ID}, {"From", SEEN_FROM}};

void complete_init(struct complete *c)
{
	c->state = COMPLETE_BOL;
	c->seen = 0;
	c->fields = c->held = c->name = 0;
}

static void put(struct complete *c, const char *p, size_t n)
{
	if (n > 0)
		c->sink(c->arg, p, n);
}

static void put_field(struct complete *c, const char *before, const char *value,
		      const char *behind)
{
	put(c, before, strlen(before));
	put(c, value, strlen(value));
	put(c, behind, strlen(behind));
}

static void put_missing(struct complete *c)
{
	char date[DATE822_SIZE];
	char from[2 * LIMIT_ADDRESS];

	date822(date, c->when);
	if (!(c->seen & SEEN_DATE))
		put_field(c, "Date: ", date, "\n");
	if (!(c->seen & SEEN_ID)) {
		put_field(c, "Message-ID: <", c->id, "@");
		put_field(c, "", c->idhost, ">\n");
	}
	if (!(c->seen & SEEN_FROM) && c->from[0] != '\0' &&
	    addr_quote(c->from, from, sizeof from) == 0)
		put_field(c, "From: <", from, ">\n");
}

static void let_go(struct complete *c)
{
	put(c, c->hold, c->held);
	c->held = 0;
}

/* What is held, or comes next, is the body's first line. */
static void end_header(struct complete *c)
{
	put_missing(c);
	put(c, "\n", 1);
	let_go(c);
	c->state = COMPLETE_BODY;
}

static void begin_value(struct complete *c)
{
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (strlen(fields[i].name) == c->name &&
		    strncasecmp(fields[i].name, c->hold, c->name) == 0)
			c->seen |= fields[i].seen;
	c->fields++;
	let_go(c);
	c->state = COMPLETE_REST;
}

static int is_blank(char b)
{
	return b == ' ' || b == '\t';
}

/* RFC 5322 3.6.8 */
static int is_ftext(char b)
{
	return b >= 33 && b <= 126 && b != ':';
}

/* Up to the colon. A line without one is none of the header's. Returns bytes taken. */
static size_t in_name(struct complete *c, char b)
{
	if (b == ':' && c->held > 0) {
		begin_value(c);
		return 0;
	}
	if (is_blank(b) && c->held > 0 && c->state != COMPLETE_COLON) {
		c->name = c->held;
		c->state = COMPLETE_COLON;
	}
	if (c->held == sizeof c->hold ||
	    !(c->state == COMPLETE_COLON ? is_blank(b) : is_ftext(b))) {
		end_header(c);
		return 0;
	}
	c->hold[c->held++] = b;
	if (c->state != COMPLETE_COLON) {
		c->name = c->held;
		c->state = COMPLETE_NAME;
	}
	return 1;
}

static size_t at_line(struct complete *c, char b)
{
	if (b == '\n') {
		put_missing(c);
		c->state = COMPLETE_BODY;
		return 0;
	}
	if (is_blank(b) && c->fields > 0) {
		c->state = COMPLETE_REST;
		return 0;
	}
	return in_name(c, b);
}

static size_t in_value(struct complete *c, const char *p, size_t n)
{
	const char *lf = memchr(p, '\n', n);

	if (lf != NULL) {
		n = (size_t)(lf - p) + 1;
		c->state = COMPLETE_BOL;
	}
	put(c, p, n);
	return n;
}

void complete_add(struct complete *c, const char *p, size_t n)
{
	size_t at = 0;

	while (at < n && c->state != COMPLETE_BODY) {
		if (c->state == COMPLETE_BOL)
			at += at_line(c, p[at]);
		else if (c->state == COMPLETE_REST)
			at += in_value(c, p + at, n - at);
		else
			at += in_name(c, p[at]);
	}
	put(c, p + at, n - at);
}

void complete_end(struct complete *c)
{
	if (c->held > 0)
		end_header(c);
	else if (c->state != COMPLETE_BODY)
		put_missing(c);
	c->state = COMPLETE_BODY;
}
