#include "msgid.h"

#include <string.h>

#include "ascii.h"

static const char name[] = "message-id:";

void msgid_init(struct msgid *m)
{
	m->state = MSGID_NAME;
	m->at = m->len = 0;
	m->value[0] = '\0';
}

/* A line that begins with its end is the header's (RFC 5322 2.1). */
static void in_name(struct msgid *m, char c)
{
	if (c == '\n')
		m->state = m->at == 0 ? MSGID_DONE : MSGID_NAME;
	else if (ascii_lower(c) != name[m->at])
		m->state = MSGID_SKIP;
	else if (name[++m->at] == '\0')
		m->state = MSGID_VALUE;
	if (m->state != MSGID_NAME || c == '\n')
		m->at = 0;
}

/* The first word; it may stand on the next line (RFC 5322 2.2.3). */
static void in_value(struct msgid *m, char c)
{
	if (c == ' ' || c == '\t' || c == '\n') {
		if (m->len > 0)
			m->state = MSGID_DONE;
		else if (c == '\n')
			m->state = MSGID_FOLD;
		return;
	}
	m->value[m->len++] = c == '\0' ? '?' : c;
	m->value[m->len] = '\0';
	if (m->len == LIMIT_MSGID)
		m->state = MSGID_DONE;
}

static void in_fold(struct msgid *m, char c)
{
	m->state = c == ' ' || c == '\t' ? MSGID_VALUE : MSGID_DONE;
}

void msgid_add(struct msgid *m, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end && m->state != MSGID_DONE) {
		if (m->state == MSGID_SKIP) {
			p = memchr(p, '\n', (size_t)(end - p));
			if (p == NULL)
				return;
			m->state = MSGID_NAME;
			p++;
		} else if (m->state == MSGID_NAME)
			in_name(m, *p++);
		else if (m->state == MSGID_VALUE)
			in_value(m, *p++);
		else
			in_fold(m, *p++);
	}
}
