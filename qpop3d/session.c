#include "session.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "common.h"
#include "fdio.h"
#include "file.h"
#include "line.h"
#include "linger.h"
#include "parse.h"
#include "prog.h"
#include "send.h"

/* ---- words ---- */

__attribute__((format(printf, 2, 3))) static void say(struct session *s, const char *fmt,
						      ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	s->out.deadline = clock_mono_ms() + SESSION_IDLE_MS;
	if (obuf_puts(&s->out, text) == -1 || obuf_crlf(&s->out) == -1)
		s->over = "lost";
}

static void bad(struct session *s, const char *why)
{
	say(s, "-ERR %s", why);
	if (++s->errors >= SESSION_ERRORS)
		s->over = "errors";
}

/* ---- messages ---- */

static int is_there(const struct session *s, size_t i)
{
	return (s->drop.mark[i] & DROP_DELETED) == 0;
}

/* The message that an argument names: its ordinal, or -1, and the client was told. */
static long message(struct session *s, const char *arg)
{
	uint32_t n;

	if (pop3_number(arg, UINT32_MAX, &n) == -1 || n == 0 || n > s->drop.box.count)
		bad(s, "There is no such message.");
	else if (!is_there(s, n - 1))
		bad(s, "That message is deleted.");
	else
		return (long)n - 1;
	return -1;
}

static void count(struct session *s, size_t *n, uint64_t *bytes)
{
	*n = 0;
	*bytes = 0;
	for (size_t i = 0; i < s->drop.box.count; i++)
		if (is_there(s, i)) {
			*bytes += drop_size(&s->drop, i);
			++*n;
		}
}

static void cmd_stat(struct session *s, const struct pop3_line *l)
{
	uint64_t bytes;
	size_t n;

	(void)l;
	count(s, &n, &bytes);
	say(s, "+OK %zu %llu", n, (unsigned long long)bytes);
}

static void list_one(struct session *s, const char *before, size_t i)
{
	say(s, "%s%zu %u", before, i + 1, drop_size(&s->drop, i));
}

static void uidl_one(struct session *s, const char *before, size_t i)
{
	char uidl[DROP_UIDL + 1];

	if (drop_uidl(&s->drop, i, uidl) == 0)
		say(s, "%s%zu %s", before, i + 1, uidl);
	else if (before[0] != '\0')
		bad(s, "[SYS/TEMP] The mailbox cannot be read now.");
	else
		s->over = "mailbox";
}

/* LIST and UIDL: a line for one message, or for all. */
static void each(struct session *s, const struct pop3_line *l,
		 void (*one)(struct session *s, const char *before, size_t i))
{
	if (l->nargs == 1) {
		long i = message(s, l->arg[0]);

		if (i != -1)
			one(s, "+OK ", (size_t)i);
		return;
	}
	say(s, "+OK");
	for (size_t i = 0; i < s->drop.box.count && s->over == NULL; i++)
		if (is_there(s, i))
			one(s, "", i);
	if (s->over == NULL)
		say(s, ".");
}

static void cmd_list(struct session *s, const struct pop3_line *l)
{
	each(s, l, list_one);
}

static void cmd_uidl(struct session *s, const struct pop3_line *l)
{
	each(s, l, uidl_one);
}

/* A reply that has begun cannot be taken back: without its end the client knows. */
static void send_message(struct session *s, size_t i, struct file *f, int64_t lines)
{
	struct wire w;
	int r;

	wire_begin(&w, &s->out, lines);
	r = file_send(f, &w, SESSION_IDLE_MS);
	s->bytes += w.bytes;
	if (r == -1)
		s->over = "lost";
	else if (r == -2) {
		warn_sys("read a message");
		s->over = "unreadable";
	} else if (lines == -1) {
		s->sent++;
		drop_sent(&s->drop, i, w.bytes, w.open_end);
	}
}

static void give(struct session *s, const char *arg, int64_t lines)
{
	long i = message(s, arg);
	struct file f;

	if (i == -1)
		return;
	if (file_open(&f, &s->drop.box, (size_t)i) == -1) {
		bad(s, errno == ENOENT ? "[SYS/TEMP] The message is gone: another "
					 "session has deleted it."
				       : "[SYS/TEMP] The message cannot be read now.");
		return;
	}
	say(s, "+OK");
	if (s->over == NULL)
		send_message(s, (size_t)i, &f, lines);
	file_close(&f);
}

static void cmd_retr(struct session *s, const struct pop3_line *l)
{
	give(s, l->arg[0], -1);
}

static void cmd_top(struct session *s, const struct pop3_line *l)
{
	uint32_t lines;

	if (pop3_number(l->arg[1], UINT32_MAX, &lines) == -1)
		bad(s, "TOP needs a number of lines.");
	else
		give(s, l->arg[0], lines);
}

static void cmd_dele(struct session *s, const struct pop3_line *l)
{
	long i = message(s, l->arg[0]);

	if (i == -1)
		return;
	s->drop.mark[i] |= DROP_DELETED;
	say(s, "+OK");
}

static void cmd_rset(struct session *s, const struct pop3_line *l)
{
	(void)l;
	for (size_t i = 0; i < s->drop.box.count; i++)
		s->drop.mark[i] &= (uint8_t)~DROP_DELETED;
	say(s, "+OK");
}

/* ---- the rest ---- */

static void cmd_noop(struct session *s, const struct pop3_line *l)
{
	(void)l;
	say(s, "+OK");
}

static void cmd_capa(struct session *s, const struct pop3_line *l)
{
	(void)l;
	say(s, "+OK\r\n%s", pop3_capa);
}

static void cmd_lang(struct session *s, const struct pop3_line *l)
{
	say(s, "%s", pop3_lang(l->nargs == 0 ? "" : l->arg[0]));
}

/* RFC 1939 6: only now is anything deleted. */
static void cmd_quit(struct session *s, const struct pop3_line *l)
{
	(void)l;
	if (drop_commit(&s->drop, &s->deleted) == 0)
		say(s, "+OK good bye");
	else {
		warn_sys("delete messages");
		say(s, "-ERR [SYS/TEMP] Not all deleted messages are removed.");
	}
	s->over = "quit";
}

static const struct command {
	const char *verb;
	size_t min, max; /* arguments */
	void (*run)(struct session *s, const struct pop3_line *l);
} commands[] = {
    {"RETR", 1, 1, cmd_retr}, {"DELE", 1, 1, cmd_dele}, {"TOP", 2, 2, cmd_top},
    {"LIST", 0, 1, cmd_list}, {"UIDL", 0, 1, cmd_uidl}, {"STAT", 0, 0, cmd_stat},
    {"NOOP", 0, 0, cmd_noop}, {"RSET", 0, 0, cmd_rset}, {"CAPA", 0, 0, cmd_capa},
    {"LANG", 0, 1, cmd_lang}, {"QUIT", 0, 0, cmd_quit},
};

static void run(struct session *s, char *line)
{
	struct pop3_line l;

	pop3_split(&l, line);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		const struct command *c = &commands[i];

		if (strcasecmp(c->verb, l.verb) != 0)
			continue;
		if (l.nargs < c->min || l.nargs > c->max)
			bad(s, "That is not what the command takes.");
		else
			c->run(s, &l);
		return;
	}
	bad(s, "There is no such command.");
}

void session_serve(struct session *s)
{
	char *line;
	size_t n;

	say(s, "+OK %zu messages", s->drop.box.count);
	while (s->over == NULL && (line = session_line(s, &n)) != NULL) {
		if (memchr(line, '\0', n) == NULL)
			run(s, line);
		else
			bad(s, "A command has no NUL.");
	}
	s->out.deadline = clock_mono_ms() + SESSION_IDLE_MS;
	if (obuf_flush(&s->out) == -1)
		s->over = "lost";
}

/* Whoever says QUIT says nothing behind it, mostly. */
static int may_talk(const struct session *s)
{
	return strcmp(s->over, "quit") != 0 || s->at < s->end ||
	       fd_wait(0, POLLIN, 0) == 0;
}

void session_part(const struct session *s)
{
	if (strcmp(s->over, "lost") != 0 && may_talk(s))
		linger(0, 1);
}

void session_refuse(struct session *s, const char *why)
{
	say(s, "-ERR %s", why);
	s->over = obuf_flush(&s->out) == -1 ? "lost" : "refused";
	session_part(s);
}
