/* qpop3d-login: one POP3 session (RFC 1939) until its login, one process.
 *
 * uid:	quoini. Started by qlisten, or by any UCSPI server, inetd's kind too.
 * fds:	0 from the client, 1 to the client (one socket, mostly), 2 the log.
 *	Opened here: control/logintimeout (closed again), run/tls-login/sock and
 *	run/qauth-login/sock. Once TLS is on, 0 and 1 are closed, and qtls's plaintext
 *	socket takes their place.
 * Trusts:	the environment that its server set, the answers of qtls and qauth as far
 *	as their forms go. Not one byte of the client.
 * Never:	sees a mailbox, a key or the table of passwords; opens a file once the
 *	client was greeted; takes a byte behind the command that logs in. With a
 *	checkpassword program in its arguments, another process (lib/login/checker.c) runs
 *	that one.
 */
#include "login/login.h"

#include "login_session.h"
#include "prog.h"

extern const struct jail_profile jail_qpop3d_login;

static const char usage[] = "qpop3d-login [-C dir] [-t] [-T port] ... [-p] [-u uid:gid] "
			    "[checkpassword server [arg ...]]";

static struct login session = {.service = "pop3"};

int main(int argc, char **argv)
{
	prog_init("qpop3d-login");
	login_start(&session, usage, &jail_qpop3d_login, argc, argv);
	login_session(&session);
	return login_end(&session);
}
