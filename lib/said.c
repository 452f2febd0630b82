#include "said.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "qlog.h"

enum { BURST = 20, PER_SECOND = 5 };

void said_init(struct said *s, int fd, const char *user, pid_t pid)
{
	memset(s, 0, sizeof *s);
	s->fd = fd;
	s->user = user;
	s->pid = pid;
	s->budget = BURST;
	s->filled = clock_mono_ms();
}

static void begin(struct said *s, struct qlog *l)
{
	qlog_begin(l, "child");
	qlog_str(l, "user", s->user);
	qlog_num(l, "pid", (uint64_t)s->pid);
}

static void log_dropped(struct said *s)
{
	struct qlog l;

	if (s->dropped == 0)
		return;
	begin(s, &l);
	qlog_num(&l, "dropped", s->dropped);
	qlog_end(&l);
	s->dropped = 0;
}

static void refill(struct said *s)
{
	int64_t more = (clock_mono_ms() - s->filled) * PER_SECOND / 1000;

	if (more <= 0)
		return;
	s->filled = clock_mono_ms();
	s->budget =
	    more > BURST - (int64_t)s->budget ? BURST : s->budget + (unsigned)more;
}

static void end_line(struct said *s)
{
	struct qlog l;

	refill(s);
	if (s->len == 0)
		return;
	if (s->budget == 0)
		s->dropped++;
	else {
		s->budget--;
		log_dropped(s);
		begin(s, &l);
		qlog_bytes(&l, "text", s->line, s->len);
		qlog_end(&l);
	}
	s->len = 0;
}

static void add(struct said *s, char c)
{
	if (c == '\n') {
		end_line(s);
		s->long_line = 0;
	} else if (!s->long_line && s->len < sizeof s->line)
		s->line[s->len++] = c;
	else
		s->long_line = 1;
}

static ssize_t read_once(struct said *s)
{
	char buf[4096];
	ssize_t r;

	do
		r = read(s->fd, buf, sizeof buf);
	while (r == -1 && errno == EINTR);
	for (ssize_t i = 0; i < r; i++)
		add(s, buf[i]);
	return r;
}

static void finish(struct said *s)
{
	end_line(s);
	log_dropped(s);
	(void)close(s->fd);
	s->fd = -1;
}

void said_read(struct said *s)
{
	ssize_t r = read_once(s);

	if (r == 0 || (r == -1 && errno != EAGAIN))
		finish(s);
}

/* A pipe holds 64 KB: sixteen reads see all that was written before. */
void said_end(struct said *s)
{
	for (int i = 0; i < 16 && s->fd != -1; i++)
		if (read_once(s) <= 0)
			break;
	if (s->fd != -1)
		finish(s);
}
