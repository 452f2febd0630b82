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
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "args.h"
#include "prog.h"
#include "session.h"
#include "start.h"

static const char usage[] = "qsmtpd [-C dir] [-s] [-t] [-f fd]";

static struct session session;

int main(int argc, char **argv)
{
	int template = -1;
	const struct arg table[] = {{'s', arg_flag, &session.cfg.submission, 0, 0},
				    {'t', arg_flag, &session.cfg.tls_at_once, 0, 0},
				    {'f', arg_fd, &template, 0, 0},
				    {0}};

	prog_init("qsmtpd");
	args_only(usage, table, argc, argv);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setenv("TZ", "UTC0", 1); /* a local zone would be a file to open */
	tzset();
	start(&session, template);
	session_serve(&session);
	return 0;
}
