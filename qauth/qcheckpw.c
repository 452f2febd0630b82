/* qcheckpw: is this password right? One question, then it ends.
 *
 * Runs as quoina, started by qauth (-r); or as any checkpassword program, by whoever
 * wants to know, mostly as root: then it becomes the user and runs its arguments. The
 * process that sees the name and the password is in a sandbox that can open nothing; the
 * one that becomes the user hears the account's name from it and looks up the rest
 * itself. With -s it judges the system's accounts, which needs root and has no sandbox.
 *
 *	3		user NUL password NUL timestamp NUL
 *	-r fd		"yes" goes there (judge.h)
 *	-f fd		qauth wants judges there, one fork for each (stem.h, lib/template.h);
 *			3 is that then, and a judge's name and password come where it reports
 *	2		log
 *
 * It never writes a file, never becomes uid 0, and says nothing of a password.
 * Exit 1: wrong; 2: misused; 111: later.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "authask.h"
#include "clock.h"
#include "control.h"
#include "cost.h"
#include "creds.h"
#include "fdio.h"
#include "jail.h"
#include "judge.h"
#include "owner.h"
#include "paths.h"
#include "prog.h"
#include "pwrec.h"
#include "qlimits.h"
#include "sysuser.h"
#include "table.h"
#include "template.h"
#include "usock.h"
#include "verify.h"

static const char usage[] =
    "qcheckpw [-C dir] [-s] [-r fd] [-f fd] [program [argument ...]]";

extern const struct jail_profile jail_qcheckpw;
extern const struct jail_profile jail_qcheckpw_template;

enum { EXIT_WRONG = 1, EXIT_MISUSED = 2, NOBODY = 65534 };

static struct table table;
static int has_table;
static struct cost usual;
static struct creds creds;

static const char *service(void)
{
	const char *s = getenv("SERVICE");

	return s != NULL ? s : "";
}

static void load_cost(void)
{
	if (cost_load(&usual) == -1)
		warn_msg("unable to read %s; the usual cost is used", control_error());
}

static void start_sodium(void)
{
	if (sodium_init() == -1)
		die_sys(EXIT_TEMP, "start libsodium");
}

static void open_table(void)
{
	char path[LIMIT_PATH];
	int r = -1;

	if (path_join(path, sizeof path, paths.users, "passwd.cdb") != NULL)
		r = table_open(&table, path);
	if (r == -1)
		die_sys2(EXIT_TEMP, "open", path);
	has_table = r;
}

static void read_creds(int fd)
{
	if (creds_read(&creds, fd) == 0)
		return;
	if (errno == EBADMSG || errno == EBADF)
		exit(EXIT_MISUSED);
	if (errno == EMSGSIZE)
		exit(EXIT_WRONG);
	die_sys(EXIT_TEMP, "read name and password");
}

/* Returns when the password is right. */
static void insist(enum verdict v)
{
	int e = errno;

	creds_wipe(&creds);
	errno = e;
	if (v == VERDICT_WRONG)
		exit(EXIT_WRONG);
	if (v == VERDICT_LATER)
		die_sys(EXIT_TEMP, "judge a password");
}

/* In the sandbox: the account's name, when the password is right. */
static void judge_from(int fd, const char *service, char key[LIMIT_LOGIN + 1])
{
	read_creds(fd);
	if (pwrec_key(creds.user, key, LIMIT_LOGIN + 1) == -1)
		key[0] = '\0'; /* nobody's name */
	insist(verify(has_table ? &table : NULL, key, creds.password,
		      service != NULL ? service : creds.third, (int64_t)time(NULL),
		      &usual));
}

static void judge(char key[LIMIT_LOGIN + 1])
{
	if (jail_enter(&jail_qcheckpw) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	judge_from(JUDGE_PASSWORD_FD, service(), key);
}

/* ---- as qauth's judge ---- */

static _Noreturn void say_yes(int fd)
{
	if (usock_send(fd, JUDGE_YES, strlen(JUDGE_YES), -1) == -1)
		die_sys(EXIT_TEMP, "say yes");
	exit(0);
}

static _Noreturn void report(int fd)
{
	char key[LIMIT_LOGIN + 1];

	judge(key);
	say_yes(fd);
}

/* Returns in a judge, with what it reads from and reports on. */
static int fork_judges(int channel)
{
	int fd;

	if (jail_enter(&jail_qcheckpw_template) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	do {
		fd = template_next(channel);
		if (fd == -1)
			exit(0);
	} while (!template_fork(channel, fd));
	return fd;
}

/* The table and the cost may be others than when the judge was forked. */
static _Noreturn void serve(int channel)
{
	static const int over[] = {SYS_clone,  SYS_getpid, SYS_prctl,     SYS_recvmsg,
				   SYS_openat, SYS_fstat,  SYS_newfstatat};
	char key[LIMIT_LOGIN + 1];
	int fd = fork_judges(channel);

	if (fd_wait(fd, POLLIN, CLOCK_NEVER) == -1)
		die_sys(EXIT_TEMP, "wait for a password");
	load_cost();
	open_table();
	if (jail_narrow(over, sizeof over / sizeof *over) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	judge_from(fd, NULL, key);
	say_yes(fd);
}

/* ---- as a checkpassword program ---- */

/* Of what the caller has open, a session perhaps, the judge has nothing but 2 and 3. */
static int only_ours(int out)
{
	if (dup2(out, 1) == -1)
		return -1;
	if (!has_table)
		(void)close(0);
	else if (dup2(table.fd, 0) == -1)
		return -1;
	table.fd = 0;
	return close_range(JUDGE_PASSWORD_FD + 1, ~0U, 0);
}

/* The child judges. Whoever is root gives that up as well. */
static _Noreturn void judge_apart(int out)
{
	const struct owner nobody = {NOBODY, NOBODY};
	char key[LIMIT_LOGIN + 1];

	if (only_ours(out) == -1)
		die_sys(EXIT_TEMP, "close descriptors");
	if (geteuid() == 0 && owner_become(&nobody) == -1)
		die_sys(EXIT_TEMP, "give up root");
	judge(key);
	if (fd_write_full(1, key, strlen(key) + 1, CLOCK_NEVER) == -1)
		die_sys(EXIT_TEMP, "say yes");
	_exit(0);
}

static void ask_child(char name[LIMIT_LOGIN + 1])
{
	int fds[2];
	int status;
	ssize_t n;
	pid_t pid = -1;

	if (pipe(fds) == 0)
		pid = fork();
	if (pid == -1)
		die_sys(EXIT_TEMP, "start the judge");
	if (pid == 0) {
		(void)close(fds[0]);
		judge_apart(fds[1]);
	}
	(void)close(fds[1]);
	n = fd_read_some(fds[0], name, LIMIT_LOGIN + 1, CLOCK_NEVER);
	(void)close(fds[0]);
	if (waitpid(pid, &status, 0) == -1 || !WIFEXITED(status))
		die_msg(EXIT_TEMP, "the judge died");
	if (WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status));
	if (n < 2 || name[n - 1] != '\0')
		die_msg(EXIT_TEMP, "the judge said nothing");
}

static void find_account(const char *name, struct person *p)
{
	char key[LIMIT_LOGIN + 1];
	const char *value;
	struct pwrec r;
	size_t n;

	if (pwrec_key(name, key, sizeof key) == -1 ||
	    table_get(&table, key, strlen(key), &value, &n) != 1 ||
	    pwrec_get(&r, value, n) == -1)
		die_sys(EXIT_TEMP, "look up the account");
	p->uid = r.uid;
	p->gid = r.gid;
	memcpy(p->home, r.home, strlen(r.home) + 1);
	memcpy(p->shell, "/bin/sh", sizeof "/bin/sh");
}

static void set(const char *name, const char *value)
{
	if (setenv(name, value, 1) == -1)
		die_sys(EXIT_TEMP, "set the environment");
}

static _Noreturn void run(const struct person *p, const char *name, char **argv)
{
	const struct owner owner = {p->uid, p->gid};

	(void)close(JUDGE_PASSWORD_FD);
	if (owner_become(&owner) == -1)
		die_sys2(EXIT_TEMP, "become", name);
	if (chdir(p->home) == -1)
		die_sys2(EXIT_TEMP, "change to", p->home);
	set("USER", name);
	set("HOME", p->home);
	set("SHELL", p->shell);
	(void)execvp(argv[0], argv);
	die_sys2(EXIT_TEMP, "run", argv[0]);
}

static _Noreturn void run_table(char **argv)
{
	char name[LIMIT_LOGIN + 1];
	static struct person p;

	ask_child(name);
	find_account(name, &p);
	run(&p, name, argv);
}

static _Noreturn void run_shadow(char **argv)
{
	static struct person p;

	read_creds(JUDGE_PASSWORD_FD);
	insist(sysuser_verify(creds.user, creds.password, (int64_t)time(NULL), &p));
	run(&p, p.name, argv);
}

int main(int argc, char **argv)
{
	int yes = -1;
	int channel = -1;
	int system_accounts = 0;
	const struct arg options[] = {{'r', arg_fd, &yes, 0, 0},
				      {'f', arg_fd, &channel, 0, 0},
				      {'s', arg_flag, &system_accounts, 0, 0},
				      {0}};
	int first;

	prog_init("qcheckpw");
	first = args(usage, options, argc, argv);
	if ((first == argc) != (yes != -1 || channel != -1) ||
	    (yes != -1) + (channel != -1) + system_accounts > 1) {
		warn_msg("run as: %s", usage);
		return EXIT_MISUSED;
	}
	if (fd_fill_std() == -1)
		die_sys(EXIT_TEMP, "fill descriptors 0 to 2");
	/* else the first file that is opened would get its number */
	if (fcntl(JUDGE_PASSWORD_FD, F_GETFD) == -1)
		return EXIT_MISUSED;
	if (system_accounts)
		run_shadow(argv + first);
	start_sodium();
	if (channel != -1)
		serve(channel);
	load_cost();
	open_table();
	if (yes != -1)
		report(yes);
	run_table(argv + first);
}
