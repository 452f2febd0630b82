/* sendmail: the command that everybody calls; also as mailq and newaliases.
 *
 * Who:      runs as its caller, from its arguments; no more rights than he has.
 * Reads:    the message on descriptor 0 (with -bs: SMTP), control/defaulthost,
 *	     defaultdomain, plusdomain, idhost, me, sendmailwait, nullclient.
 * Writes:   with -bs replies on descriptor 1; ~/dead.letter.
 * Asks:     qqueue; on a null client the smart host, by qremote. Executes qctl-queue
 *	     (mailq) and qnewaliases (newaliases).
 * Trusts:   nothing is at stake: who could harm it is its caller himself. qqueue learns
 *	     from the kernel who that is.
 * Never:    answers 0 before qqueue, or on a null client the smart host, has promised to
 *	     keep the message.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "address.h"
#include "deadletter.h"
#include "fail.h"
#include "fdio.h"
#include "inject.h"
#include "options.h"
#include "paths.h"
#include "prog.h"
#include "speaker.h"

static const int exits[FAIL_KINDS] = {
    [FAIL_USAGE] = EX_USAGE,         [FAIL_DATA] = EX_DATAERR,
    [FAIL_ENVELOPE] = EX_DATAERR,    [FAIL_ADDRESS] = EX_NOUSER,
    [FAIL_LONG] = EX_NOUSER,         [FAIL_REFUSED] = EX_UNAVAILABLE,
    [FAIL_READ] = EX_IOERR,          [FAIL_SPOOL] = EX_TEMPFAIL,
    [FAIL_MEMORY] = EX_TEMPFAIL,     [FAIL_CONFIG] = EX_TEMPFAIL,
    [FAIL_LATER] = EX_TEMPFAIL,      [FAIL_SHUT] = EX_TEMPFAIL,
    [FAIL_TIMEOUT] = EX_TEMPFAIL,    [FAIL_LOST] = EX_TEMPFAIL,
    [FAIL_CANTCREAT] = EX_CANTCREAT,
};

static _Noreturn void die(void)
{
	die_msg(exits[fail_last()], "%s", fail_text());
}

/* The message cannot be sent, and a person is there to read this. */
static _Noreturn void bury(const struct mail *m)
{
	int code = exits[fail_last()];
	char path[LIMIT_PATH];

	warn_msg("%s", fail_text());
	if (deadletter_save(m, path, sizeof path) == -1)
		die();
	die_msg(code, "the message was not sent; it is at the end of %s", path);
}

static int add_arguments(struct rcpts *r, char *const words[])
{
	for (; *words != NULL; words++)
		if (rcpts_add_list(r, *words) == -1)
			return -1;
	return 0;
}

static int read_and_complete(struct injection *inj, const struct options *o,
			     const struct wish *w)
{
	static struct input in;

	if (add_arguments(&inj->rcpts, o->recips) == -1)
		return -1;
	if (inj->rcpts.n == 0 && !o->from_header)
		return fail(FAIL_USAGE, "no recipients; name them, or use -t");
	input_init(&in, 0);
	if (message_read(&inj->message, &in, o->dots ? END_EOF : END_DOT) == -1 ||
	    injection_complete(inj, w) == -1)
		return -1;
	return inj->rcpts.n == 0 ? fail(FAIL_DATA, "no recipients in the header") : 0;
}

static int deliver(const struct options *o)
{
	static struct injection inj;
	char sender[LIMIT_ADDRESS + 1];
	const char *said;
	/* No other sendmail lets a message choose its own envelope sender: it may be a
	 * stranger's, that a dot-file or procmail passes on. */
	struct wish w = {WISH_AUTHOR_FROM_SENDER | WISH_NO_RETURN_PATH, NULL, o->name};

	if (o->queue_run && !o->from_header && o->recips[0] == NULL)
		return 0; /* qsend runs the queue all the time */
	if (o->from_header)
		w.flags |= WISH_HEADER_RCPTS;
	if (o->sender != NULL) {
		if (address_single(o->sender, sender) == -1)
			die();
		w.sender = sender;
	}
	injection_init(&inj);
	inj.rcpts.notify = o->notify;
	inj.ret = o->ret;
	memcpy(inj.envid, o->envid, sizeof inj.envid);
	if (read_and_complete(&inj, o, &w) == -1)
		die();
	if (send_mail(&inj.mail, send_patience_caller, &said) == -1) {
		if (exits[fail_last()] == EX_TEMPFAIL && send_has_terminal())
			bury(&inj.mail);
		die();
	}
	if (o->verbose)
		(void)dprintf(1, "%s\n", said);
	return 0;
}

/* home: of --home, or NULL. Returns only if it cannot. */
static int run(const char *name, const char *home, const char *verb)
{
	char path[LIMIT_PATH];
	const char *argv[5];
	size_t n = 0;

	if (path_join(path, sizeof path, paths.bin, name) == NULL)
		return fail_sys(FAIL_REFUSED, name);
	argv[n++] = name;
	if (home != NULL) {
		argv[n++] = "-C";
		argv[n++] = home;
	}
	if (verb != NULL)
		argv[n++] = verb;
	argv[n] = NULL;
	(void)execv(path, (char *const *)argv);
	return fail(FAIL_REFUSED, "unable to run %s: %s", path, strerror(errno));
}

/* Maintainer scripts of packages call newaliases: it never stops them. */
static int aliases(const char *home)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)run("qnewaliases", home, NULL);
		die();
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1 || status != 0)
		warn_msg("the aliases were not compiled");
	return 0;
}

static enum mode mode_by_name(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');
	const char *name = slash != NULL ? slash + 1 : argv0;

	if (strcmp(name, "mailq") == 0)
		return MODE_LIST;
	return strcmp(name, "newaliases") == 0 ? MODE_ALIASES : MODE_DELIVER;
}

static const char *take_home(char *const **argv)
{
	static const char option[] = "--home=";
	const char *word = (*argv)[1];

	if (word == NULL || strncmp(word, option, sizeof option - 1) != 0)
		return NULL;
	word += sizeof option - 1;
	if (paths_under(word) == -1)
		die_sys2(EX_USAGE, "use directory", word);
	(*argv)++;
	return word;
}

int main(int argc, char **args)
{
	struct options o = {.mode = MODE_DELIVER};
	char *const *argv = args;
	const char *home;

	prog_init("sendmail");
	if (fd_fill_std() == -1)
		die_sys(EX_TEMPFAIL, "open /dev/null");
	if (argc < 1)
		die_msg(EX_USAGE, "no program name");
	o.mode = mode_by_name(argv[0]);
	home = take_home(&argv);
	if (options_parse(&o, argv) == -1)
		die();
	switch (o.mode) {
	case MODE_SMTP:
		return speaker() == -1 ? exits[fail_last()] : 0;
	case MODE_LIST:
		(void)run("qctl-queue", home, "list");
		die();
	case MODE_ALIASES:
		return aliases(home);
	default:
		return deliver(&o);
	}
}
