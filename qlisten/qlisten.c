/* qlisten: accepts TCP connections and runs a program for each.
 *
 * uid:	root until its ports are bound, then what -u says (quoind).
 * fds:	listening sockets, a signalfd, the table of rules while it looks one up;
 *	a program gets the connection as 0 and 1, and our 2, the log.
 * Trusts:	its arguments, the rules. Reads not one byte of a connection.
 * Never:	reads a message, holds a key.
 */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "jail.h"
#include "listen.h"
#include "num.h"
#include "paths.h"
#include "prog.h"
#include "ready.h"
#include "seats.h"
#include "serve.h"

extern const struct jail_profile jail_qlisten;

enum { TOTAL_MAX = 100000, BACKLOG_MAX = 65535 };

static const char usage[] =
    "qlisten [-C DIR] [-d FD] [-u UID:GID] [-c TOTAL] [-p EACH] [-n RATE] [-b BACKLOG] "
    "[-r RULES.CDB] [-l NAME] [-m TEXT] [-h] ADDRESS PORT ... -- PROGRAM [ARG ...]";

static struct {
	unsigned total, each, rate, backlog;
	int ready_fd;
	char *owner;
} arg = {200, 50, 0, 128, -1, NULL};

static unsigned number(const char *s, unsigned max)
{
	uint64_t n;

	if (num_parse(s, max, &n) == -1)
		die_msg(EXIT_PERM, "'%s' is not a number up to %u", s, max);
	return (unsigned)n;
}

static unsigned positive(const char *s, unsigned max)
{
	unsigned n = number(s, max);

	if (n == 0)
		die_msg(EXIT_PERM, "0 is too few");
	return n;
}

static void take_option(struct options *o, int c)
{
	switch (c) {
	case 'C':
		if (paths_under(optarg) == -1)
			die_sys2(EXIT_PERM, "use", optarg);
		break;
	case 'd':
		arg.ready_fd = (int)number(optarg, 1023);
		break;
	case 'u':
		arg.owner = optarg;
		break;
	case 'c':
		arg.total = positive(optarg, TOTAL_MAX);
		break;
	case 'p':
		arg.each = positive(optarg, TOTAL_MAX);
		break;
	case 'n':
		arg.rate = number(optarg, TOTAL_MAX);
		break;
	case 'b':
		arg.backlog = positive(optarg, BACKLOG_MAX);
		break;
	case 'r':
		o->rules = optarg;
		break;
	case 'l':
		o->local_host = optarg;
		break;
	case 'm':
		o->sorry = optarg;
		break;
	case 'h':
		o->look_up = 1;
		break;
	default:
		die_usage(usage);
	}
}

/* ADDRESS PORT ... -- PROGRAM [ARG ...] */
static void open_listeners(struct options *o, char **words)
{
	for (; words[0] != NULL && strcmp(words[0], "--") != 0; words += 2) {
		if (words[1] == NULL || o->nfds == LISTENERS_MAX)
			die_usage(usage);
		o->fds[o->nfds] = listen_open(words[0], words[1], (int)arg.backlog);
		if (o->fds[o->nfds] == -1)
			die_msg(EXIT_TEMP, "unable to listen at %s port %s: %s", words[0],
				words[1], strerror(errno));
		o->nfds++;
	}
	if (o->nfds == 0 || words[0] == NULL || words[1] == NULL)
		die_usage(usage);
	o->program = words + 1;
}

static void drop_root(char *owner)
{
	char *colon = strchr(owner, ':');
	unsigned uid;
	unsigned gid;

	if (colon == NULL)
		die_usage(usage);
	*colon = '\0';
	uid = number(owner, UINT32_MAX - 1);
	gid = number(colon + 1, UINT32_MAX - 1);
	if (geteuid() != 0 && uid == geteuid())
		return;
	if (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1)
		die_sys(EXIT_TEMP, "drop privileges");
}

static void default_local_host(struct options *o)
{
	char *me;

	if (o->local_host == NULL && control_line("me", &me) == 1)
		o->local_host = me;
}

int main(int argc, char **argv)
{
	static struct options o;
	int c;

	prog_init("qlisten");
	/* "+": options end at the first address; "--" stays for open_listeners(). */
	while ((c = getopt(argc, argv, "+C:d:u:c:p:n:b:r:l:m:h")) != -1)
		take_option(&o, c);
	default_local_host(&o);
	o.seats = seats_new(arg.total, arg.each, arg.rate);
	if (o.seats == NULL)
		die_sys(EXIT_TEMP, "allocate memory");
	open_listeners(&o, argv + optind);
	if (serve_prepare() == -1)
		die_sys(EXIT_TEMP, "wait for signals");
	if (arg.owner != NULL)
		drop_root(arg.owner);
	if (jail_enter(&jail_qlisten) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	ready_notify(arg.ready_fd);
	return serve(&o);
}
