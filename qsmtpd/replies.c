#include "replies.h"

#include <stdio.h>
#include <string.h>

#include "escape.h"
#include "session.h"

static const struct {
	int code;
	const char *enhanced;
	const char *text;
} replies[] = {
#define X(name, code, enhanced, text) {code, enhanced, text},
    REPLIES(X)
#undef X
};

static void count(struct session *s, int code)
{
	if (code == 452 && s->full < LIMIT_RECIPIENTS)
		s->full++;
	else if (code >= 400 && code != 421)
		s->errors++;
}

void reply_with(struct session *s, enum reply r, const char *more)
{
	char line[LIMIT_TEXT + 160];
	char clean[LIMIT_TEXT + 1];
	const char *enhanced = replies[r].enhanced;

	escape_text(clean, sizeof clean, more, strlen(more));
	(void)snprintf(line, sizeof line, "%d %s%s%s%s%s\r\n", replies[r].code, enhanced,
		       enhanced[0] != '\0' ? " " : "", replies[r].text,
		       clean[0] != '\0' ? " " : "", clean);
	count(s, replies[r].code);
	session_say(s, line);
}

void reply(struct session *s, enum reply r)
{
	reply_with(s, r, "");
}

void reply_last(struct session *s, enum reply r)
{
	reply(s, r);
	s->over = OVER_REFUSED;
}
