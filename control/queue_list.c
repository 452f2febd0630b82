/* qctl queue list: messages, each with its recipients. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "escape.h"
#include "prog.h"
#include "queue.h"

const char *show_time(uint64_t seconds)
{
	static char text[32];
	time_t t = (time_t)seconds;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		(void)snprintf(text, sizeof text, "%llu", (unsigned long long)seconds);
	return text;
}

void print_escaped(const char *s)
{
	char clean[4 * LIMIT_ADDRESS + 1];

	(void)escape_log(clean, sizeof clean, s, strlen(s));
	(void)fputs(clean, stdout);
}

const char *messages(unsigned long long n)
{
	static char text[40];

	(void)snprintf(text, sizeof text, "%llu message%s", n, n == 1 ? "" : "s");
	return text;
}

void print_message(const struct message *m)
{
	(void)printf("%s  %llu bytes  %s", m->id, (unsigned long long)m->size,
		     show_time(m->birth));
	(void)printf("  uid %lu  <", (unsigned long)m->uid);
	print_escaped(m->sender);
	if (m->held)
		(void)puts(">  held");
	else if (m->next == 0)
		(void)puts(">  under way");
	else
		(void)printf(">  next %s (%lu so far)\n", show_time(m->next),
			     (unsigned long)m->attempts);
}

void print_recipient(const struct line *l)
{
	static const char *const channels[] = {"local", "remote", "-"};
	const char *state = l->state == 'K'   ? "done"
			    : l->state == 'D' ? "failed"
			    : l->state == 'Z' ? "deferred"
					      : "waiting";

	(void)printf("%17s  %-8s %-6s ", "", state, channels[l->channel]);
	print_escaped(l->address);
	(void)putchar('\n');
	if (*l->text != '\0') {
		(void)printf("%17s           ", "");
		print_escaped(l->text);
		(void)putchar('\n');
	}
}

struct listing {
	struct filter f;
	uint64_t now;
	unsigned long n;
};

static void list_one(void *arg, const struct message *m)
{
	struct listing *l = arg;

	if (!filter_fits(&l->f, m, l->now))
		return;
	l->n++;
	if (l->f.quiet) {
		(void)puts(m->id);
		return;
	}
	print_message(m);
	for (size_t i = 0; i < m->n; i++)
		print_recipient(&m->rcpts[i]);
}

int do_list(int argc, char **argv)
{
	struct listing l = {.now = (uint64_t)time(NULL)};

	filter_parse(&l.f, TAKES_MEANT, argc, argv);
	(void)source_each(list_one, &l);
	if (l.f.ids.n > l.n)
		die_msg(EXIT_SOME, "not all of these are in the queue");
	if (l.f.quiet)
		return 0;
	if (l.n > 0)
		(void)printf("%s in the queue.\n", messages(l.n));
	else
		(void)puts(filter_is_empty(&l.f) ? "The queue is empty."
						 : "No message fits.");
	return 0;
}
