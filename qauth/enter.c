/* qauth-enter: what a checkpassword program runs when the password was right.
 *
 * Runs as the user whom the checker became; refuses uid 0 and gid 0. It says yes to
 * qauth, and for POP3 and IMAP then gets the session and runs the server, in the
 * environment and the directory that the checker chose, without what it left open. It
 * reads no byte of the session.
 *
 *	4	qauth (judge.h)
 *	2	log
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"
#include "judge.h"
#include "prog.h"
#include "usock.h"

enum { WAIT_MS = 30000 };

static void refuse_root(void)
{
	uid_t u[3];
	gid_t g[3];

	if (getresuid(&u[0], &u[1], &u[2]) == -1 || getresgid(&g[0], &g[1], &g[2]) == -1)
		die_sys(EXIT_TEMP, "see the user's number");
	if (u[0] == 0 || u[1] == 0 || u[2] == 0 || g[0] == 0 || g[1] == 0 || g[2] == 0)
		die_msg(EXIT_TEMP, "the checkpassword program did not become a user: "
				   "nothing is run as root");
}

static void say_yes(void)
{
	if (usock_send(JUDGE_FD, JUDGE_YES, strlen(JUDGE_YES), -1) == -1)
		die_sys(EXIT_TEMP, "tell qauth");
}

static int await_session(void)
{
	char buf[sizeof JUDGE_SESSION];
	ssize_t r;
	int session;

	if (fd_wait(JUDGE_FD, POLLIN, clock_mono_ms() + WAIT_MS) == -1)
		die_sys(EXIT_TEMP, "wait for the session");
	r = usock_recv(JUDGE_FD, buf, sizeof buf, &session);
	if (r == 0)
		_exit(EXIT_TEMP); /* the caller has left, or the account is refused */
	if (r != 1 || buf[0] != JUDGE_SESSION[0] || session == -1)
		die_msg(EXIT_TEMP, "qauth gave no session");
	return session;
}

int main(int argc, char **argv)
{
	int session;

	prog_init("qauth-enter");
	if (fd_fill_std() == -1)
		die_sys(EXIT_TEMP, "fill descriptors 0 to 2");
	refuse_root();
	say_yes();
	if (argc < 2)
		return 0;
	session = await_session();
	if (dup2(session, 0) == -1 || dup2(session, 1) == -1)
		die_sys(EXIT_TEMP, "arrange descriptors");
	(void)syscall(SYS_close_range, 3, ~0U, 0U);
	(void)execv(argv[1], argv + 1);
	die_sys2(EXIT_TEMP, "run", argv[1]);
}
