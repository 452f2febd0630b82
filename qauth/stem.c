#include "stem.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checkpass.h"
#include "clock.h"
#include "fdio.h"
#include "prog.h"
#include "template.h"
#include "usock.h"
#include "words.h"

enum { STEM_JUDGES = 1000, STEM_IDLE_MS = 5000, STEM_ANSWER_MS = 2000 };

static struct {
	const struct child *child; /* NULL: it has ended */
	struct child *spare;       /* a judge for the next password; NULL */
	int channel;               /* -1: there is none */
	int is_spare_due;          /* one for each password that was judged */
	unsigned judges;
	int64_t until;
} stem = {NULL, NULL, -1, 0, 0, CLOCK_NEVER};

/* It ends when it hears so, and so does the spare judge. */
static void drop(void)
{
	if (stem.spare != NULL)
		child_close(stem.spare);
	stem.spare = NULL;
	if (stem.channel != -1)
		(void)close(stem.channel);
	stem.channel = -1;
	stem.child = NULL;
	stem.is_spare_due = 0;
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
_Static_assert((int)LIMIT_SERVICE <= (int)CHECKPASS_THIRD, "a service is a third");
static int tell(int fd, const struct auth_want *w)
{
	char text[LIMIT_AUTHFRAME];
	size_t n = checkpass_put(text, w, w->service);
	int r = usock_send(fd, text, n, -1);

	explicit_bzero(text, sizeof text);
	return r == 0 ? shutdown(fd, SHUT_WR) : -1;
}

/* template_ask(), but everybody waits here, and without it there is another way. */
static enum template_said ask(int fd, pid_t *pid)
{
	static const char words[] = "PROTO=TCP"; /* a template has some */

	if (usock_send(stem.channel, words, sizeof words, fd) == -1)
		return TEMPLATE_LOST;
	if (fd_wait(stem.channel, POLLIN, clock_mono_ms() + STEM_ANSWER_MS) == 0)
		return template_heard(stem.channel, pid);
	warn_msg("what forks judges does not answer");
	(void)kill(stem.child->pid, SIGKILL); /* alone: its group is its judges' too */
	return TEMPLATE_LOST;
}

/* A judge that waits for its password. */
static struct child *fork_judge(void)
{
	struct child *c = NULL;
	pid_t pid;
	int pair[2];

	if (usock_pair(pair) == -1)
		return NULL;
	if (ask(pair[1], &pid) == TEMPLATE_RUNS)
		c = child_forked(pid, pair[0]);
	(void)close(pair[1]);
	if (c != NULL) {
		stem.judges++;
		return c;
	}
	(void)close(pair[0]);
	drop();
	return NULL;
}

static struct child *take_spare(void)
{
	struct child *c = stem.spare;

	stem.spare = NULL;
	return c;
}

struct child *stem_judge(const struct auth_want *w, const struct owner *o)
{
	struct child *c = take_spare();

	if (c == NULL && (stem.channel != -1 || start(o) == 0))
		c = fork_judge();
	if (c == NULL)
		return NULL;
	stem.is_spare_due = 1;
	stem.until = clock_mono_ms() + STEM_IDLE_MS;
	if (stem.judges >= STEM_JUDGES)
		drop();
	if (tell(c->report, w) == 0) {
		child_use(c, w->user);
		return c;
	}
	child_close(c); /* it ends */
	return NULL;
}

void stem_heard(const struct child *c, int status)
{
	if (c == stem.spare)
		stem.spare = NULL;
	if (c == stem.child || (c->is_forked && WIFSIGNALED(status)))
		drop();
}

int64_t stem_tick(int64_t now, int is_quiet)
{
	if (now >= stem.until)
		drop();
	else if (is_quiet && stem.is_spare_due) {
		stem.is_spare_due = 0;
		stem.spare = fork_judge();
	}
	return stem.until;
}
