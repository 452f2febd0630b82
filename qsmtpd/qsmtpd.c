/* qsmtpd: one SMTP session (RFC 5321) with a stranger, one process.
 *
 * uid:	quoind. Started by qlisten, or by any UCSPI server, inetd's kind too.
 *	With -f one that forks a session for each connection that qlisten hands it.
 * fds:	0 from the client, 1 to the client (one socket, mostly), 2 the log.
 *	Opened here: control files (closed again), control/morercpthosts.cdb, later
 *	run/qqueue/sock, run/qrcpt/sock, run/tls-server/sock and run/qauth-smtp/sock. Once
 *	TLS is on, 0 and 1 are closed, and qtls's plaintext socket takes their place.
 * Trusts:	the admin's control files, the environment that its server set, and the
 *	answers of qqueue, qrcpt, qtls and qauth as far as their forms go. Not one byte of
 *	the client.
 * Never:	sees the queue, a home, a key or the table of passwords; starts a program;
 *	opens a file once the client was greeted.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "jail.h"
#include "prog.h"
#include "session.h"
#include "stamps.h"
#include "template.h"

extern const struct jail_profile jail_qsmtpd;
extern const struct jail_profile jail_qsmtpd_template;

static const char usage[] = "qsmtpd [-C dir] [-s] [-t] [-f fd]";

static struct session session;

static struct {
	int in, out;
	int template; /* -f, or -1 */
} given = {0, 1, -1};

/* The client hears it too (RFC 5321 3.1). */
static void say_sorry(void)
{
	static const char sorry[] = "421 4.3.0 this host cannot take mail now\r\n";

	if (!session.cfg.tls_at_once)
		(void)!write(given.out, sorry, sizeof sorry - 1);
}

static _Noreturn void die_starting(const char *why)
{
	say_sorry();
	die_msg(EXIT_TEMP, "%s", why);
}

/* ---- a template ---- */

/* As it is with a process for each: who comes next finds the files read anew. */
static _Noreturn void end_template(const char *why)
{
	given.out = template_next(given.template);
	if (given.out == -1)
		exit(0);
	say_sorry();
	template_refuse(given.template, 'D');
	die_msg(EXIT_TEMP, "%s", why);
}

/* Returns in a session. */
static void fork_sessions(void)
{
	do {
		given.in = given.out = template_next(given.template);
		if (given.in == -1)
			exit(0);
		if (stamps_have_changed()) {
			template_refuse(given.template, 'A');
			exit(0);
		}
	} while (!template_fork(given.template, given.in));
}

static void as_template(void)
{
	if (stamps_take(session.cfg.submission) == -1)
		end_template("unable to look at the control files");
	if (config_load(&session.cfg) == -1)
		end_template(config_error());
	if (jail_enter(&jail_qsmtpd_template) == -1)
		end_template("unable to close the sandbox");
	fork_sessions();
}

/* ---- a session ---- */

static void for_client(void)
{
	peer_from_environment(&session.peer);
	if (config_for_client(&session.cfg) == -1)
		die_starting(config_error());
	session_init(&session, given.in, given.out);
}

static void start_from_template(void)
{
	/* The first four of qsmtpd-template.jail: what is left is qsmtpd.jail. */
	static const int over[] = {SYS_clone, SYS_getpid, SYS_prctl, SYS_setsockopt};

	as_template();
	for_client();
	if (jail_narrow(over, sizeof over / sizeof *over) == -1)
		die_starting("unable to close the sandbox");
}

static void start(void)
{
	if (config_load(&session.cfg) == -1)
		die_starting(config_error());
	for_client();
	if (jail_enter(&jail_qsmtpd) == -1)
		die_starting("unable to close the sandbox");
}

int main(int argc, char **argv)
{
	const struct arg table[] = {{'s', arg_flag, &session.cfg.submission, 0, 0},
				    {'t', arg_flag, &session.cfg.tls_at_once, 0, 0},
				    {'f', arg_fd, &given.template, 0, 0},
				    {0}};

	prog_init("qsmtpd");
	args_only(usage, table, argc, argv);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setenv("TZ", "UTC0", 1); /* a local zone would be a file to open */
	tzset();
	if (given.template != -1)
		start_from_template();
	else
		start();
	session_serve(&session);
	return 0;
}
