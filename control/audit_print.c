/* qctl audit: its findings as text or JSON. */
#include "audit.h"

#include <stdio.h>
#include <string.h>

#include "json.h"

static const char *const words[WRONGS] = {"lost", "double", "untold", "recipient"};
static const char *const meanings[WRONGS] = {
    "no end, and not in the queue",
    "two ends without a restart between them",
    "named as a notification, never queued",
    "an end of a recipient that it does not have",
};

typedef unsigned long long num;

static void put_time(uint64_t ns)
{
	char text[40] = "-";

	if (ns != 0)
		logs_time(text, ns);
	(void)fputs(text, stdout);
}

/* ---- text ---- */

static void print_logs(const struct audit *a)
{
	for (size_t i = 0; i < a->logs.n; i++) {
		const struct logs_dir *d = &a->logs.dirs[i];

		(void)printf("log %-10s ", d->name);
		put_time(d->first);
		(void)fputs(" to ", stdout);
		put_time(d->last);
		(void)printf(", %llu lines", (num)d->lines);
		if (d->unread > 0)
			(void)printf(", %llu not understood", (num)d->unread);
		if (d->breaks > 0) {
			(void)printf(", %u breaks, the last ", d->breaks);
			put_time(d->last_break);
		}
		(void)putchar('\n');
	}
}

static void print_window(const struct audit *a)
{
	(void)fputs("judged: queued from ", stdout);
	put_time(a->from);
	(void)fputs(" to ", stdout);
	put_time(a->start);
	(void)putchar('\n');
}

static void print_counts(const struct audit *a)
{
	(void)printf("messages %llu: ended %llu, in the queue %llu, deleted, moved or "
		     "discarded %llu, set aside %llu, unproven %llu\n",
		     (num)a->messages, (num)a->done, (num)a->waiting, (num)a->whole,
		     (num)a->aside, (num)a->unproven);
	(void)printf("recipients %llu: delivered %llu, failed %llu, open %llu\n",
		     (num)a->rcpts, (num)a->good, (num)a->bad, (num)a->open);
	(void)printf("repeated after a restart %llu: found their work %llu, sent again "
		     "%llu\n",
		     (num)a->found + (num)a->again, (num)a->found, (num)a->again);
	(void)printf("notifications %llu, repeated %llu\n", (num)a->notices,
		     (num)a->repeated_notices);
	(void)printf("not judged: queued before %llu, after %llu, without a yes %llu\n",
		     (num)a->before, (num)a->late, (num)a->unpromised);
}

static void print_wrongs(const struct audit *a)
{
	for (unsigned i = 0; i < a->listed; i++) {
		(void)printf("! %s: %s recipient %lu, queued ", words[a->list[i].what],
			     a->list[i].id, (unsigned long)a->list[i].rcpt);
		put_time(a->list[i].since);
		(void)printf(": %s\n", meanings[a->list[i].what]);
	}
	for (int i = 0; i < WRONGS; i++)
		(void)printf("%s %llu%s", words[i], (num)a->wrong[i],
			     i + 1 < WRONGS ? ", " : "\n");
}

/* ---- json ---- */

static void json_time(const char *name, uint64_t ns)
{
	(void)printf("\"%s\":\"", name);
	put_time(ns);
	(void)fputs("\",", stdout);
}

static void json_logs(const struct audit *a)
{
	(void)fputs("\"logs\":[", stdout);
	for (size_t i = 0; i < a->logs.n; i++) {
		const struct logs_dir *d = &a->logs.dirs[i];

		(void)printf("%s{\"name\":", i > 0 ? "," : "");
		json_string(d->name, strlen(d->name));
		(void)putchar(',');
		json_time("first", d->first);
		json_time("last", d->last);
		(void)printf("\"lines\":%llu,\"unread\":%llu,\"breaks\":%u}",
			     (num)d->lines, (num)d->unread, d->breaks);
	}
	(void)fputs("],", stdout);
}

static void json_counts(const struct audit *a)
{
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = {
	    {"messages", a->messages},
	    {"ended", a->done},
	    {"waiting", a->waiting},
	    {"whole", a->whole},
	    {"aside", a->aside},
	    {"unproven", a->unproven},
	    {"recipients", a->rcpts},
	    {"delivered", a->good},
	    {"failed", a->bad},
	    {"open", a->open},
	    {"found", a->found},
	    {"again", a->again},
	    {"notifications", a->notices},
	    {"notifications_repeated", a->repeated_notices},
	    {"before", a->before},
	    {"after", a->late},
	    {"unpromised", a->unpromised},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		(void)printf("\"%s\":%llu,", rows[i].name, (num)rows[i].n);
	for (int i = 0; i < WRONGS; i++)
		(void)printf("\"%s\":%llu,", words[i], (num)a->wrong[i]);
}

static void json_wrongs(const struct audit *a)
{
	(void)fputs("\"violations\":[", stdout);
	for (unsigned i = 0; i < a->listed; i++)
		(void)printf("%s{\"what\":\"%s\",\"id\":\"%s\",\"rcpt\":%lu}",
			     i > 0 ? "," : "", words[a->list[i].what], a->list[i].id,
			     (unsigned long)a->list[i].rcpt);
	(void)puts("]}");
}

void audit_print(const struct audit *a, int json)
{
	if (json) {
		(void)putchar('{');
		json_logs(a);
		json_time("from", a->from);
		json_time("to", a->start);
		json_counts(a);
		json_wrongs(a);
		return;
	}
	print_logs(a);
	print_window(a);
	print_counts(a);
	print_wrongs(a);
}
