/* qsmtpd: one SMTP session (RFC 5321) with a stranger, one process.
 *
 * uid:	quoind. Started by qlisten, or by any UCSPI server, inetd's kind too.
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
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "jail.h"
#include "prog.h"
#include "session.h"

extern const struct jail_profile jail_qsmtpd;

static const char usage[] = "qsmtpd [-C dir] [-s] [-t]";

static struct session session;

/* The client hears it too (RFC 5321 3.1). */
static _Noreturn void die_starting(const char *why)
{
	static const char sorry[] = "421 4.3.0 this host cannot take mail now\r\n";

	if (!session.cfg.tls_at_once)
		(void)!write(1, sorry, sizeof sorry - 1);
	die_msg(EXIT_TEMP, "%s", why);
}

int main(int argc, char **argv)
{
	const struct arg table[] = {{'s', arg_flag, &session.cfg.submission, 0, 0},
				    {'t', arg_flag, &session.cfg.tls_at_once, 0, 0},
				    {0}};

	prog_init("qsmtpd");
	args_only(usage, table, argc, argv);
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
