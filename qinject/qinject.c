/* qinject: qmail-inject's interface: completes a message's header and submits it.
 *
 * Who:     runs as its caller, from his command line or program.
 * Reads:   the message on descriptor 0; control/defaulthost, defaultdomain, plusdomain,
 *	    idhost, me, sendmailwait; the file that QMAILMFTFILE names.
 * Writes:  with -n the message on descriptor 1.
 * Asks:    qqueue; on a null client the smart host, by qremote.
 * Trusts:  nothing is at stake: who could harm it is its caller himself.
 * Never:   answers 0 before qqueue, or on a null client the smart host, has
 *	     promised to keep the message.
 */
#include <stdlib.h>
#include <unistd.h>

#include "address.h"
#include "clock.h"
#include "fail.h"
#include "fdio.h"
#include "inject.h"
#include "paths.h"
#include "prog.h"

static const char usage[] = "qinject [-C dir] [-aAhHnN] [-f sender] [recipient ...]";

enum from { ARGUMENTS, HEADER, EITHER, BOTH };

static const int exits[FAIL_KINDS] = {
    [FAIL_USAGE] = EXIT_PERM,   [FAIL_DATA] = EXIT_PERM,  [FAIL_ENVELOPE] = EXIT_PERM,
    [FAIL_ADDRESS] = EXIT_PERM, [FAIL_LONG] = EXIT_PERM,  [FAIL_REFUSED] = EXIT_PERM,
    [FAIL_READ] = EXIT_TEMP,    [FAIL_SPOOL] = EXIT_TEMP, [FAIL_MEMORY] = EXIT_TEMP,
    [FAIL_CONFIG] = EXIT_TEMP,  [FAIL_LATER] = EXIT_TEMP, [FAIL_SHUT] = EXIT_TEMP,
    [FAIL_TIMEOUT] = EXIT_TEMP, [FAIL_LOST] = EXIT_TEMP,  [FAIL_CANTCREAT] = EXIT_TEMP,
};

static _Noreturn void die(void)
{
	die_msg(exits[fail_last()], "%s", fail_text());
}

static unsigned letters(const char *s)
{
	unsigned flags = 0;

	for (; s != NULL && *s != '\0'; s++)
		switch (*s) {
		case 'c':
			flags |= WISH_COMMENT_STYLE;
			break;
		case 's':
			flags |= WISH_NO_RETURN_PATH;
			break;
		case 'f':
			flags |= WISH_NO_FROM;
			break;
		case 'i':
			flags |= WISH_NO_MESSAGE_ID;
			break;
		case 'r':
			flags |= WISH_VERP;
			break;
		case 'm':
			flags |= WISH_MESSAGE_VERP;
			break;
		}
	return flags;
}

static int write_all(void *arg, const void *p, size_t n)
{
	(void)arg;
	return fd_write_full(1, p, n, CLOCK_NEVER);
}

static void print(struct injection *inj)
{
	if (write_all(NULL, inj->done.header.p, inj->done.header.len) == -1 ||
	    write_all(NULL, "\n", 1) == -1 ||
	    spool_each(&inj->message.body, write_all, NULL) == -1)
		die_sys(EXIT_TEMP, "write the message");
}

struct args {
	enum from from;
	const char *sender;
	int only_print;
	char *const *recips;
};

static void arguments(struct args *a, int argc, char **argv)
{
	int opt;

	opterr = 0; /* the usage line says it all */
	while ((opt = getopt(argc, argv, "+C:aAhHnNf:")) != -1)
		switch (opt) {
		case 'C':
			if (paths_under(optarg) == -1)
				die_sys2(EXIT_PERM, "use directory", optarg);
			break;
		case 'a':
			a->from = ARGUMENTS;
			break;
		case 'A':
			a->from = EITHER;
			break;
		case 'h':
			a->from = HEADER;
			break;
		case 'H':
			a->from = BOTH;
			break;
		case 'f':
			a->sender = optarg;
			break;
		case 'n':
			a->only_print = 1;
			break;
		case 'N':
			a->only_print = 0;
			break;
		default:
			die_usage(usage);
		}
	a->recips = argv + optind;
}

static int wants_header(const struct args *a)
{
	return a->from == HEADER || a->from == BOTH ||
	       (a->from == EITHER && a->recips[0] == NULL);
}

int main(int argc, char **argv)
{
	static struct injection inj;
	static struct input in;
	struct args a = {EITHER, NULL, 0, NULL};
	struct wish w = {0, NULL, NULL};
	char sender[LIMIT_ADDRESS + 1];

	prog_init("qinject");
	if (fd_fill_std() == -1)
		die_sys(EXIT_TEMP, "open /dev/null");
	arguments(&a, argc, argv);
	w.flags =
	    letters(getenv("QMAILINJECT")) | (wants_header(&a) ? WISH_HEADER_RCPTS : 0);
	if (a.sender != NULL) {
		if (address_single(a.sender, sender) == -1)
			die();
		w.sender = sender;
	}
	injection_init(&inj);
	for (; a.from != HEADER && *a.recips != NULL; a.recips++)
		if (rcpts_add_list(&inj.rcpts, *a.recips) == -1)
			die();
	input_init(&in, 0);
	if (message_read(&inj.message, &in, END_EOF) == -1 ||
	    injection_complete(&inj, &w) == -1)
		die();
	if (a.only_print) {
		print(&inj);
		return 0;
	}
	if (inj.rcpts.n == 0)
		die_msg(EXIT_PERM, "no recipients");
	if (send_mail(&inj.mail, send_patience_caller, NULL) == -1)
		die();
	return 0;
}
