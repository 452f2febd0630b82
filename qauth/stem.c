#include "stem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "prog.h"
#include "template.h"
#include "usock.h"
#include "words.h"

enum { STEM_JUDGES = 1000, STEM_IDLE_MS = 30000 };

static struct {
	const struct child *child; /* NULL: it has ended */
	int channel;               /* -1: there is none */
	unsigned judges;
	int64_t until;
} stem = {NULL, -1, 0, CLOCK_NEVER};

/* It ends when it hears so. */
static void drop(void)
{
	if (stem.channel != -1)
		(void)close(stem.channel);
	stem.channel = -1;
	stem.child = NULL;
	stem.judges = 0;
	stem.until = CLOCK_NEVER;
}

static int start(const struct owner *o)
{
	struct words words;

	if (words_stem(&words) == -1)
		return -1;
	stem.child = child_stem(&words, o, &stem.channel);
	return stem.child == NULL ? -1 : 0;
}

/* What a judge reads, then the end of file. */
static int tell(int fd, const struct auth_want *w)
{
	char text[LIMIT_AUTHFRAME];
	int n = snprintf(text, sizeof text, "%s%c%s%c", w->user, 0, w->password, 0);
	int r = usock_send(fd, text, (size_t)n, -1);

	explicit_bzero(text, sizeof text);
	return r == 0 ? shutdown(fd, SHUT_WR) : -1;
}

static struct child *ask(const struct auth_want *w, int report, int theirs)
{
	char env[sizeof "SERVICE=" + LIMIT_SERVICE];
	int n = snprintf(env, sizeof env, "SERVICE=%s", w->service);
	pid_t pid;

	if (tell(report, w) == -1 ||
	    template_ask(stem.channel, theirs, env, (size_t)n + 1, &pid) != TEMPLATE_RUNS)
		return NULL;
	return child_forked(w->user, pid, report);
}

struct child *stem_judge(const struct auth_want *w, const struct owner *o)
{
	struct child *c;
	int pair[2];

	if ((stem.channel == -1 && start(o) == -1) || usock_pair(pair) == -1)
		return NULL;
	c = ask(w, pair[0], pair[1]);
	(void)close(pair[1]);
	if (c == NULL)
		(void)close(pair[0]);
	stem.until = clock_mono_ms() + STEM_IDLE_MS;
	if (c == NULL || ++stem.judges >= STEM_JUDGES)
		drop();
	return c;
}

void stem_heard(const struct child *c, int status)
{
	if (c == stem.child || (c->is_forked && WIFSIGNALED(status)))
		drop();
}

int64_t stem_tick(int64_t now)
{
	if (now >= stem.until)
		drop();
	return stem.until;
}
