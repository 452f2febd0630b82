/* qctl queue show: all that is known of one message, from its files; those who may not
 * read these get what qsend tells them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "journal.h"
#include "prog.h"
#include "qread.h"
#include "queue.h"
#include "queue_file.h"

/* So much of the header is shown. */
enum { HEADER_SHOWN = 65536 };

static void show_field(const char *name, const char *value)
{
	if (value == NULL)
		return;
	(void)printf("%-10s ", name);
	print_escaped(value);
	(void)putchar('\n');
}

/* ---- the history ---- */

static void show_record(void *arg, const struct journal_record *r)
{
	(void)arg;
	switch (r->what) {
	case 'A':
		(void)printf("  %s  an attempt ended (%s)\n", show_time(r->time),
			     r->channel == 0 ? "local" : "remote");
		return;
	case 'W':
		(void)printf("  %s  the sender was told of the delay\n",
			     show_time(r->time));
		return;
	case 'H':
		(void)printf("  %s by the keeper\n", r->held ? "held" : "released");
		return;
	default:
		(void)printf("  recipient %lu %s", (unsigned long)r->index,
			     r->what == 'D'   ? "failed"
			     : r->what == 'Z' ? "deferred"
					      : "delivered");
		if (*r->text != '\0') {
			(void)fputs(": ", stdout);
			print_escaped(r->text);
		}
		(void)putchar('\n');
	}
}

static void show_history(int state, const char *id)
{
	uint64_t len;
	uint64_t size;
	int fd = file_open(state, id);

	if (fd == -1)
		return;
	(void)puts("history");
	(void)journal_read(fd, id, show_record, NULL, &len, &size);
	if (len != size)
		(void)printf("  (a torn tail of %llu bytes)\n",
			     (unsigned long long)(size - len));
	(void)close(fd);
}

/* ---- the header ---- */

static void show_line(const char *p, size_t n)
{
	char line[2048];

	(void)fputs("  ", stdout);
	for (size_t at = 0; at < n;) {
		size_t part = n - at < sizeof line - 1 ? n - at : sizeof line - 1;

		memcpy(line, p + at, part);
		line[part] = '\0';
		if (memchr(line, '\0', part) != NULL)
			part = strlen(line) + 1;
		print_escaped(line);
		at += part;
	}
	(void)putchar('\n');
}

static void show_header(int fd, uint64_t at)
{
	char *p = malloc(HEADER_SHOWN);
	ssize_t n = p != NULL ? pread(fd, p, HEADER_SHOWN, (off_t)at) : -1;
	const char *line = p;

	(void)puts("header");
	while (n > 0 && line < p + n) {
		const char *end = memchr(line, '\n', (size_t)(p + n - line));
		size_t len = end != NULL ? (size_t)(end - line) : (size_t)(p + n - line);

		if (len == 0)
			break;
		show_line(line, len);
		line += len + 1;
	}
	free(p);
}

/* ---- one message ---- */

static void show_recipients(const struct message *m, const struct envelope *env)
{
	const char *at = env->rcpts;
	struct envelope_rcpt r;
	char notify[4];

	for (size_t i = 0; i < m->n; i++) {
		at = envelope_rcpt(env, at, &r);
		(void)printf("recipient %lu\n", (unsigned long)i);
		print_recipient(&m->rcpts[i]);
		if (r.notify != 0)
			(void)printf("%17s           NOTIFY=%s\n", "",
				     notify_text(r.notify, notify));
		if (r.orcpt != NULL) {
			(void)printf("%17s           ORCPT=", "");
			print_escaped(r.orcpt);
			(void)putchar('\n');
		}
	}
}

static void show_file(int queue, const char *where, const char *id, int fd)
{
	struct qfile_head head;
	struct envelope env;
	struct message m;
	char *bytes;
	int state = queue_dir("state");

	if (qread(fd, &head, &bytes, &env) == -1 ||
	    source_file(&m, queue, where, id) == -1)
		die_sys2(EXIT_TEMP, "read message", id);
	(void)printf("%-10s %s\n", "id", id);
	(void)printf("%-10s queue/%s/%s, message of %llu bytes\n", "file", where, id,
		     (unsigned long long)m.size);
	(void)printf("%-10s %s\n", "accepted", show_time(m.birth));
	show_field("held", m.held ? "by the keeper" : NULL);
	show_field("uid", env.uid);
	show_field("client", env.client);
	show_field("login", env.login);
	show_field("sender", *env.sender != '\0' ? env.sender : "<>");
	show_field("ENVID", env.envid);
	show_field("RET", env.ret);
	show_recipients(&m, &env);
	show_history(state, id);
	show_header(fd, qfile_msg_offset(&head));
	free(bytes);
	message_free(&m);
	(void)close(state);
}

struct looking {
	const char *id;
	int found;
};

static void show_listed(void *arg, const struct message *m)
{
	struct looking *l = arg;

	if (strcmp(m->id, l->id) != 0)
		return;
	l->found = 1;
	print_message(m);
	for (size_t i = 0; i < m->n; i++)
		print_recipient(&m->rcpts[i]);
}

int do_show(int argc, char **argv)
{
	static const char *const where[] = {"new", "cur", "new"};
	struct looking l = {0};
	struct filter f;
	int queue;

	filter_parse(&f, TAKES_IDS, argc, argv);
	if (f.ids.n != 1)
		die_queue_usage();
	l.id = ids_at(&f.ids, 0);
	queue = queue_dir("");
	if (queue == -1 || faccessat(queue, "cur", X_OK, 0) == -1) {
		(void)source_each(show_listed, &l);
		if (!l.found)
			die_msg(EXIT_SOME, "%s is not in the queue", l.id);
		return 0;
	}
	for (size_t i = 0; i < sizeof where / sizeof *where; i++) {
		int dir = queue_dir(where[i]);
		int fd = dir != -1 ? file_open(dir, l.id) : -1;

		if (fd != -1) {
			show_file(queue, where[i], l.id, fd);
			return 0;
		}
		(void)close(dir);
	}
	die_msg(EXIT_SOME, "%s is not in the queue", l.id);
}
