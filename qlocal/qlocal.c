/* qlocal: delivers messages to one user.
 *
 * Runs as:      the recipient; started by qlspawn, which became that user.
 * Descriptors:  1 and 2 the pipe to qlspawn's log, -q FD jobs from qlspawn (localjob.h),
 *               with each job its queue file, read only. Files in the user's home.
 * Two halves:   the jailed half (reader.c) alone reads the bytes of messages and writes
 *               them; the program half (steer.c) reads dot-files and runs their
 *               programs, free as a login of that user, and never reads a message.
 * Trusts:       qlspawn, for whom it runs and whose mail it got. Neither the message nor
 *               the addresses; what the user's dot-file says is the user's business.
 * Never:        runs as root, serves two users, keeps anything of a message.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "fdio.h"
#include "num.h"
#include "outside.h"
#include "paths.h"
#include "prog.h"
#include "dryrun.h"
#include "reader.h"
#include "steer.h"
#include "usock.h"

static const char usage[] =
    "qlocal [-C dir] -q fd -u user -h home | qlocal [-C dir] -n user home local dash ext "
    "domain sender defaultdelivery";

enum { DRY_ARGS = 8 };

struct options {
	const char *user;
	const char *home;
	int socket;
	int dry;
};

static int take_fd(const char *s)
{
	uint64_t v;

	if (num_parse(s, 1023, &v) == -1 || v < 3)
		die_usage(usage);
	return (int)v;
}

static void take_options(struct options *o, int argc, char **argv)
{
	int c;

	*o = (struct options){.socket = -1};
	while ((c = getopt(argc, argv, "C:q:u:h:n")) != -1) {
		switch (c) {
		case 'C':
			if (paths_under(optarg) == -1)
				die_sys2(EXIT_PERM, "use the directory", optarg);
			break;
		case 'q':
			o->socket = take_fd(optarg);
			break;
		case 'u':
			o->user = optarg;
			break;
		case 'h':
			o->home = optarg;
			break;
		case 'n':
			o->dry = 1;
			break;
		default:
			die_usage(usage);
		}
	}
	if (o->dry ? argc - optind != DRY_ARGS
		   : argc != optind || o->socket == -1 || o->user == NULL ||
			 o->home == NULL || *o->home != '/')
		die_usage(usage);
}

static _Noreturn void run_programs(const struct options *o, const struct settings *set,
				   int home, int pair)
{
	struct steer s = {.pair = pair,
			  .home = home,
			  .user = o->user,
			  .home_path = o->home,
			  .settings = *set};

	(void)close(o->socket);
	/* The queue file names everybody whom the message went to, Bcc too: no program of
	 * this user may take it out of this process (ptrace, pidfd_getfd). exec ends it.
	 */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		die_sys(EXIT_TEMP, "keep other processes out");
	/* Without the home the other half answers every job itself. */
	if (home != -1 && fchdir(home) == -1)
		die_sys2(EXIT_TEMP, "change to the home", o->home);
	steer_serve(&s);
}

static _Noreturn void serve(const struct options *o)
{
	struct settings set;
	struct reader r = {.socket = o->socket, .home_path = o->home, .settings = &set};
	int pair[2];
	pid_t pid;

	if (geteuid() == 0)
		die_msg(EXIT_TEMP, "root has no mailbox here: name an alias for it");
	if (settings_read(&set) == -1)
		die_msg(EXIT_TEMP, "%s", control_error());
	if (fd_cloexec(o->socket) == -1)
		die_sys(EXIT_TEMP, "use the socket");
	r.home = open(o->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r.home_error = errno;
	if (usock_pair(pair) == -1 || (pid = fork()) == -1)
		die_sys(EXIT_TEMP, "start the program half");
	if (pid == 0) {
		(void)close(pair[0]);
		run_programs(o, &set, r.home, pair[1]);
	}
	(void)close(pair[1]);
	r.pair = pair[0];
	(void)signal(SIGPIPE, SIG_IGN);
	if (outside_jail(o->home) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	reader_serve(&r);
}

int main(int argc, char **argv)
{
	struct options o;

	prog_init("qlocal");
	take_options(&o, argc, argv);
	if (o.dry)
		return dryrun(argv + optind);
	(void)umask(077);
	serve(&o);
}
