/* IDLE (RFC 2177, RFC 9051 6.3.13). */
#include <errno.h>
#include <strings.h>

#include "clock.h"
#include "io.h"
#include "notify.h"
#include "session.h"
#include "watching.h"

enum { DONE_LINE = 100 };

/* The line that ends it. */
static void end(struct command *c)
{
	const char *p;
	size_t n;
	int r = io_line(DONE_LINE, &p, &n, clock_mono_ms() + IO_STALL);

	if (r == 1 && n == 4 && strncasecmp(p, "DONE", 4) == 0) {
		ok(c, "", "done");
	} else if (r == 1 || (r == -1 && errno == EMSGSIZE)) {
		/* it may be half a command, whose literal must not be run */
		c->in->why = "DONE ends IDLE, and nothing else.";
		(void)session_heard(IN_CUT, c->in);
	} else {
		(void)session_heard(r == 0 ? IN_END : IN_LATE, c->in);
	}
}

static void cmd_idle(struct command *c)
{
	if (has_words(c))
		return;
	io_puts("+ idling\r\n");
	if (watching_wait(1, clock_mono_ms() + WATCHING_IDLE))
		end(c);
	else if (!session.want_logout)
		(void)session_heard(IN_LATE, c->in);
}

const struct verb verbs_idle[] = {{"IDLE", ST_AUTH | ST_SELECTED, 0, cmd_idle},
				  {"NOTIFY", ST_AUTH | ST_SELECTED, 0, cmd_notify},
				  {0}};
