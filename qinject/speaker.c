#include "speaker.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "addr.h"
#include "address.h"
#include "asked.h"
#include "clock.h"
#include "fail.h"
#include "fdio.h"
#include "hosts.h"
#include "inject.h"

enum { REPLIES_MAX = 8192 };

struct session {
	struct input in;
	struct sbuf replies; /* written before we wait for input (RFC 2920) */
	struct injection inj;
	int have_sender;
	char sender[LIMIT_ADDRESS + 1];
	int quit;
};

static struct session session;

static int flush(struct session *s)
{
	int r = fd_write_full(1, s->replies.p, s->replies.len, CLOCK_NEVER);

	sbuf_clear(&s->replies);
	return r == -1 ? fail_sys(FAIL_READ, "write a reply") : 0;
}

__attribute__((format(printf, 2, 3))) static int reply(struct session *s, const char *fmt,
						       ...)
{
	char line[LIMIT_TEXT + 2 * LIMIT_DOMAIN];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (s->replies.len + sizeof line + 2 > REPLIES_MAX && flush(s) == -1)
		return -1;
	if (sbuf_catf(&s->replies, "%s\r\n", line) == -1)
		return fail_sys(FAIL_MEMORY, "write a reply");
	return 0;
}

static void forget(struct session *s)
{
	injection_clear(&s->inj);
	s->have_sender = 0;
}

/* The reply to a fault: by its kind, again later or never. */
static int reply_fault(struct session *s)
{
	switch (fail_last()) {
	case FAIL_DATA:
	case FAIL_REFUSED:
		return reply(s, "554 5.6.0 %.400s", fail_text());
	case FAIL_ADDRESS:
	case FAIL_LONG:
	case FAIL_USAGE:
		return reply(s, "553 5.1.3 %.400s", fail_text());
	default:
		return reply(s, "451 4.3.0 %.400s", fail_text());
	}
}

static int do_helo(struct session *s, const char *arg)
{
	const char *me = host_name(IDHOST);

	if (me == NULL)
		return reply_fault(s);
	if (arg[0] == '\0')
		return reply(s, "501 5.5.4 say HELO and your name");
	forget(s);
	return reply(s, "250 %s", me);
}

static int do_ehlo(struct session *s, const char *arg)
{
	const char *me = host_name(IDHOST);

	if (me == NULL)
		return reply_fault(s);
	if (arg[0] == '\0')
		return reply(s, "501 5.5.4 say EHLO and your name");
	forget(s);
	return reply(
	    s,
	    "250-%s\r\n250-PIPELINING\r\n250-SIZE %ld\r\n250-8BITMIME\r\n250-DSN\r\n"
	    "250 ENHANCEDSTATUSCODES",
	    me, LIMIT_MESSAGE);
}

/* A kept address of SMTP, completed like every other. */
static int complete_kept(const char *kept, char out[LIMIT_ADDRESS + 1])
{
	char local[LIMIT_ADDRESS + 1];
	const char *domain = addr_domain(kept);
	size_t n = domain != NULL ? (size_t)(domain - kept) - 1 : strlen(kept);

	memcpy(local, kept, n);
	local[n] = '\0';
	return address_from_parts(local, domain, out);
}

/* "FROM:<path>" into kept; what is behind the path into *rest. 0, or -1 after an
 * error was replied, or 1 if even that failed. */
static int take_path(struct session *s, const char *arg, const char *word,
		     char kept[LIMIT_ADDRESS + 1], const char **rest)
{
	size_t n = strlen(word);
	size_t used;

	if (strncasecmp(arg, word, n) != 0)
		return reply(s, "501 5.5.4 expected %s<address>", word) == 0 ? -1 : 1;
	arg += n;
	arg += strspn(arg, " ");
	if (addr_parse_path(arg, strlen(arg), kept, &used, NULL) == -1)
		return reply(s, "501 5.1.3 expected an address in angle brackets") == 0
			   ? -1
			   : 1;
	*rest = arg + used;
	return 0;
}

static int reply_parameter(struct session *s, int r)
{
	return reply(s, r == ASKED_WRONG
			    ? "501 5.5.4 a parameter has no such value"
			    : "555 5.5.4 a parameter is not known, or too large");
}

static int do_mail(struct session *s, const char *arg)
{
	char kept[LIMIT_ADDRESS + 1];
	struct asked asked;
	const char *rest;
	int r = take_path(s, arg, "FROM:", kept, &rest);

	if (r != 0)
		return r == 1 ? -1 : 0;
	if (s->have_sender)
		return reply(s, "503 5.5.1 there is a sender already");
	r = asked_of_mail(&asked, rest);
	if (r != ASKED_WELL)
		return reply_parameter(s, r);
	s->sender[0] = '\0';
	if (kept[0] != '\0' && complete_kept(kept, s->sender) == -1)
		return reply_fault(s);
	s->have_sender = 1;
	s->inj.ret = asked.ret;
	memcpy(s->inj.envid, asked.envid, sizeof s->inj.envid);
	return reply(s, "250 2.1.0 ok");
}

static int do_rcpt(struct session *s, const char *arg)
{
	char kept[LIMIT_ADDRESS + 1];
	char full[LIMIT_ADDRESS + 1];
	struct asked asked;
	const char *rest;
	int r;

	if (!s->have_sender)
		return reply(s, "503 5.5.1 MAIL first");
	r = take_path(s, arg, "TO:", kept, &rest);
	if (r != 0)
		return r == 1 ? -1 : 0;
	if (kept[0] == '\0')
		return reply(s, "501 5.1.3 a recipient has a name");
	r = asked_of_rcpt(&asked, rest);
	if (r != ASKED_WELL)
		return reply_parameter(s, r);
	if (s->inj.rcpts.n == LIMIT_RECIPIENTS)
		return reply(s, "452 4.5.3 too many recipients");
	if (complete_kept(kept, full) == -1 ||
	    rcpts_add_asked(&s->inj.rcpts, full, asked.notify,
			    *asked.orcpt != '\0' ? asked.orcpt : NULL) == -1)
		return reply_fault(s);
	return reply(s, "250 2.1.5 ok");
}

/* What is left of a message that cannot be taken. */
static int skip_message(struct session *s)
{
	struct piece l;

	while (input_piece(&s->in, &l) == 1)
		if (l.begins && l.ends && l.n == 1 && l.p[0] == '.')
			return 0;
	return fail(FAIL_READ, "the input ends in the middle of the message");
}

static int take_message(struct session *s)
{
	struct wish w = {0, s->sender, NULL}; /* MAIL names the sender */
	const char *said;

	if (message_read(&s->inj.message, &s->in, END_SMTP) == -1) {
		if (fail_last() == FAIL_READ)
			return -1;
		if (reply_fault(s) == -1)
			return -1;
		return skip_message(s);
	}
	if (injection_complete(&s->inj, &w) == -1 ||
	    send_mail(&s->inj.mail, send_patience_caller, &said) == -1)
		return reply_fault(s);
	return reply(s, "250 2.0.0 ok, %.400s", said);
}

static int do_data(struct session *s, const char *arg)
{
	int r;

	(void)arg;
	if (s->inj.rcpts.n == 0)
		return reply(s, s->have_sender ? "554 5.5.1 no recipients"
					       : "503 5.5.1 MAIL first");
	if (reply(s, "354 send the message, end with a dot") == -1 || flush(s) == -1)
		return -1;
	r = take_message(s);
	forget(s);
	return r;
}

static int do_rset(struct session *s, const char *arg)
{
	(void)arg;
	forget(s);
	return reply(s, "250 2.0.0 ok");
}

static int do_noop(struct session *s, const char *arg)
{
	(void)arg;
	return reply(s, "250 2.0.0 ok");
}

static int do_vrfy(struct session *s, const char *arg)
{
	(void)arg;
	return reply(s, "252 2.1.5 send some mail, and see");
}

static int do_help(struct session *s, const char *arg)
{
	(void)arg;
	return reply(s, "214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT");
}

static int do_quit(struct session *s, const char *arg)
{
	(void)arg;
	s->quit = 1;
	return reply(s, "221 2.0.0 bye");
}

static const struct {
	const char *verb;
	int (*run)(struct session *s, const char *arg);
} commands[] = {
    {"EHLO", do_ehlo}, {"HELO", do_helo}, {"MAIL", do_mail}, {"RCPT", do_rcpt},
    {"DATA", do_data}, {"RSET", do_rset}, {"NOOP", do_noop}, {"VRFY", do_vrfy},
    {"HELP", do_help}, {"QUIT", do_quit},
};

static int run_command(struct session *s, const char *line)
{
	size_t n = strcspn(line, " ");
	const char *arg = line + n + strspn(line + n, " ");

	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strlen(commands[i].verb) == n &&
		    strncasecmp(line, commands[i].verb, n) == 0)
			return commands[i].run(s, arg);
	return reply(s, "500 5.5.1 command not known; try HELP");
}

/* One command line; a longer one is read to its end and refused. */
static int take_line(struct session *s, const struct piece *first)
{
	char line[ASKED_LINE + 1];
	struct piece l = *first;
	size_t n = l.n;

	if (n > ASKED_LINE || !l.ends) {
		while (!l.ends)
			if (input_piece(&s->in, &l) != 1)
				return fail(FAIL_READ, "the input ends in a command");
		return reply(s, "500 5.5.2 the line is too long");
	}
	memcpy(line, l.p, n);
	while (n > 0 && line[n - 1] == ' ')
		n--;
	line[n] = '\0';
	if (strlen(line) != n || !is_one_line(line))
		return reply(s, "500 5.5.2 the line has control characters");
	return run_command(s, line);
}

static int serve(struct session *s)
{
	struct piece l;
	int r;

	while (!s->quit) {
		/* Whoever pipelines is answered when all that he sent was read. */
		if (s->in.at == s->in.len && flush(s) == -1)
			return -1;
		r = input_piece(&s->in, &l);
		if (r == -1)
			return fail_sys(FAIL_READ, "read a command");
		if (r == 0)
			break;
		if (take_line(s, &l) == -1)
			return -1;
	}
	return flush(s);
}

int speaker(void)
{
	struct session *s = &session;
	const char *me = host_name(IDHOST);

	input_init(&s->in, 0);
	sbuf_init(&s->replies, REPLIES_MAX);
	injection_init(&s->inj);
	if (me == NULL)
		(void)reply(s, "421 4.3.5 %.400s", fail_text());
	else
		(void)reply(s, "220 %s ESMTP", me);
	if (me == NULL) {
		(void)flush(s);
		return fail_as(FAIL_CONFIG);
	}
	return serve(s);
}
