/* qsmtpd: one SMTP session (RFC 5321) with a stranger, one process.
 *
 * uid:	quoind. Started by qlisten, or by any UCSPI server, inetd's kind too.
 * fds:	0 from the client, 1 to the client (one socket, mostly), 2 the log.
 *	Opened here: control files (closed again), control/morercpthosts.cdb, later
 *	run/qqueue/sock and run/qrcpt/sock.
 * Trusts:	the admin's control files, the environment that its server set, and the
 *	answers of qqueue and qrcpt as far as their forms go. Not one byte of the client.
 * Never:	sees the queue, a home, a key or a password; starts a program; opens a
 *	file once the client was greeted.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "jail.h"
#include "prog.h"
#include "session.h"

extern const struct jail_profile jail_qsmtpd;

static struct session session;

/* The client hears it too (RFC 5321 3.1). */
static _Noreturn void die_starting(const char *why)
{
	static const char sorry[] = "421 4.3.0 this host cannot take mail now\r\n";

	(void)!write(1, sorry, sizeof sorry - 1);
	die_msg(EXIT_TEMP, "%s", why);
}

int main(int argc, char **argv)
{
	prog_init("qsmtpd");
	args_only("qsmtpd [-C dir]", args_none, argc, argv);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setenv("TZ", "UTC0", 1); /* a local zone would be a file to open */
	tzset();
	peer_from_environment(&session.peer);
	if (config_load(&session.cfg) == -1)
		die_starting(config_error());
	session_init(&session, 0, 1);
	if (jail_enter(&jail_qsmtpd) == -1)
		die_starting("unable to close the sandbox");
	session_serve(&session);
	return 0;
}
