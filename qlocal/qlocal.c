/* qlocal: delivers messages to one user.
 *
 * Runs as:      the recipient; started by qlspawn, which became that user.
 * Descriptors:  1 and 2 the pipe to qlspawn's log, -q FD jobs from qlspawn (localjob.h),
 *               with each job its queue file, read only. Files in the user's home.
 * Two halves:   the jailed half (reader.c) alone reads the bytes of messages and writes
 *               them; the program half (steer.c) reads dot-files and runs their
 *               programs, free as a login of that user, and never reads a message.
 *               If the first job is a plain delivery there is no program half.
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

#include "args.h"
#include "control.h"
#include "outside.h"
#include "prog.h"
#include "dryrun.h"
#include "full.h"
#include "reader.h"
#include "steer.h"
#include "usock.h"

static const char usage[] =
    "qlocal [-C dir] -q fd -u user -h home | qlocal [-C dir] -f -u user -h home | qlocal "
    "[-C dir] -n user home local dash ext "
    "domain sender defaultdelivery";

enum { DRY_ARGS = 8 };

struct options {
	const char *user;
	const char *home;
	int socket;
	int dry;
	int full;
};

/* The words for dryrun(), with -n. */
static char **arguments(struct options *o, int argc, char **argv)
{
	const struct arg table[] = {
	    {'q', arg_fd, &o->socket, 0, 0}, {'u', arg_word, &o->user, 0, 0},
	    {'h', arg_word, &o->home, 0, 0}, {'n', arg_flag, &o->dry, 0, 0},
	    {'f', arg_flag, &o->full, 0, 0}, {0}};
	int first;

	*o = (struct options){.socket = -1};
	first = args(usage, table, argc, argv);
	if (o->dry ? argc - first != DRY_ARGS
		   : argc != first || (o->socket == -1) != o->full || o->user == NULL ||
			 o->home == NULL || *o->home != '/')
		die_usage(usage);
	return argv + first;
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
	reader_forget();
	if (fchdir(home) == -1)
		die_sys2(EXIT_TEMP, "change to the home", o->home);
	steer_serve(&s);
}

/* The other half, before the sandbox closes. */
static int start_programs(const struct options *o, const struct settings *set, int home)
{
	int pair[2];
	pid_t pid;

	if (usock_pair(pair) == -1 || (pid = fork()) == -1)
		die_sys(EXIT_TEMP, "start the program half");
	if (pid == 0) {
		(void)close(pair[0]);
		run_programs(o, set, home, pair[1]);
	}
	(void)close(pair[1]);
	return pair[0];
}

static void begin(struct settings *set)
{
	if (geteuid() == 0)
		die_msg(EXIT_TEMP, "root has no mailbox here: name an alias for it");
	if (settings_read(set) == -1)
		die_msg(EXIT_TEMP, "%s", control_error());
}

static int is_full(const struct options *o)
{
	struct settings set;

	begin(&set);
	return full_ask(o->home, &set);
}

static _Noreturn void serve(const struct options *o)
{
	struct settings set;
	struct reader r = {
	    .socket = o->socket, .pair = -1, .home_path = o->home, .settings = &set};

	begin(&set);
	/* The queue file names everybody whom the message went to, Bcc too: no program of
	 * this user may take it out of this process (ptrace, pidfd_getfd). exec ends it.
	 */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		die_sys(EXIT_TEMP, "keep other processes out");
	r.home = open(o->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r.home_error = errno;
	reader_take(&r);
	if (!reader_is_plain(&r))
		r.pair = start_programs(o, &set, r.home);
	(void)signal(SIGPIPE, SIG_IGN);
	if (outside_jail(o->home) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	reader_serve(&r);
}

int main(int argc, char **argv)
{
	struct options o;
	char **words;

	prog_init("qlocal");
	words = arguments(&o, argc, argv);
	if (o.dry)
		return dryrun(words);
	(void)umask(077);
	if (o.full)
		return is_full(&o) ? EXIT_PERM : 0;
	serve(&o);
}
