/* qlisten: accepts TCP connections and runs a program for each.
 *
 * uid:	root until its ports are bound, then what -u says (quoind).
 * fds:	listening sockets, a signalfd, the table of rules while it looks one up;
 *	a program gets the connection as 0 and 1, and our 2, the log; with -f a socket to
 *	the one program that forks them.
 * Trusts:	its arguments, the rules. Reads not one byte of a connection.
 * Never:	reads a message, holds a key.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "control.h"
#include "handover.h"
#include "jail.h"
#include "listen.h"
#include "owner.h"
#include "prog.h"
#include "ready.h"
#include "seats.h"
#include "serve.h"
#include "slice.h"

extern const struct jail_profile jail_qlisten;

enum { TOTAL_MAX = 100000, BACKLOG_MAX = 65535 };

static const char usage[] =
    "qlisten [-C dir] [-d fd] [-u uid:gid] [-c total] [-p each] [-n rate] [-b "
    "backlog] "
    "[-r rules.cdb] [-l name] [-m text] [-h | -f] [-s command] [-i fd] address port ... "
    "-- "
    "program [arg ...]";

static struct {
	unsigned total, each, rate, backlog;
	int notify;
	int handover;
	struct owner owner;
} given = {200, 50, 0, 128, -1, -1, OWNER_NONE};

/* The words behind the options. */
static char **arguments(struct options *o, int argc, char **argv)
{
	const struct arg table[] = {{'d', arg_fd, &given.notify, 0, 0},
				    {'u', arg_owner, &given.owner, 0, 0},
				    {'c', arg_num, &given.total, 1, TOTAL_MAX},
				    {'p', arg_num, &given.each, 1, TOTAL_MAX},
				    {'n', arg_num, &given.rate, 0, TOTAL_MAX},
				    {'b', arg_num, &given.backlog, 1, BACKLOG_MAX},
				    {'r', arg_word, &o->rules, 0, 0},
				    {'l', arg_word, &o->local_host, 0, 0},
				    {'m', arg_word, &o->sorry, 0, 0},
				    {'h', arg_flag, &o->look_up, 0, 0},
				    {'f', arg_flag, &o->template, 0, 0},
				    {'s', arg_word, &o->successor, 0, 0},
				    {'i', arg_fd, &given.handover, 0, 0},
				    {0}};

	argv += args(usage, table, argc, argv);
	if (o->template && o->look_up) /* that takes a process of its own */
		die_usage(usage);
	return argv;
}

static int open_listener(struct handover *from, const char *address, const char *port)
{
	int fd = handover_take(from, address, port);

	return fd != -1 ? fd : listen_open(address, port, (int)given.backlog);
}

/* A successor has no right to bind a low port: what it has goes on. */
static void no_listener(const char *address, const char *port)
{
	int e = errno;

	if (given.handover == -1 || e == EINVAL)
		die_msg(EXIT_TEMP, "unable to listen at %s port %s: %s", address, port,
			strerror(e));
	warn_msg("unable to listen at %s port %s before it is stopped and started: %s",
		 address, port, strerror(e));
}

/* ADDRESS PORT ... -- PROGRAM [ARG ...] */
static void open_listeners(struct options *o, struct handover *from, char **words)
{
	for (; words[0] != NULL && strcmp(words[0], "--") != 0; words += 2) {
		if (words[1] == NULL || o->nfds == LISTENERS_MAX)
			die_usage(usage);
		o->fds[o->nfds] = open_listener(from, words[0], words[1]);
		if (o->fds[o->nfds] == -1)
			no_listener(words[0], words[1]);
		else
			o->nfds++;
	}
	handover_close(from);
	if (o->nfds == 0 || words[0] == NULL || words[1] == NULL)
		die_usage(usage);
	o->program = words + 1;
}

static void default_local_host(struct options *o)
{
	char *me;

	if (o->local_host == NULL && control_line("me", &me) == 1)
		o->local_host = me;
}

int main(int argc, char **argv)
{
	static const struct owner none = OWNER_NONE;
	static struct options o;
	struct handover from = {.nfds = 0};
	char **words;

	prog_init("qlisten");
	words = arguments(&o, argc, argv);
	slice_short();
	default_local_host(&o);
	o.seats = seats_new(given.total, given.each, given.rate);
	if (o.seats == NULL)
		die_sys(EXIT_TEMP, "allocate memory");
	if (serve_prepare() == -1)
		die_sys(EXIT_TEMP, "wait for signals");
	if (given.handover != -1 && handover_load(given.handover, &from, o.seats) == -1)
		die_sys(EXIT_TEMP, "take over");
	open_listeners(&o, &from, words);
	if (given.owner.uid != none.uid && owner_become(&given.owner) == -1)
		die_sys(EXIT_TEMP, "drop privileges");
	if (jail_enter(&jail_qlisten) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	if (given.handover == -1)
		ready_notify(given.notify);
	return serve(&o);
}
