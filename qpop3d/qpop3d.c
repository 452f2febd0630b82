/* qpop3d: one POP3 session behind its login (RFC 1939 5, 6), one process.
 *
 * uid:	the user. Started by qauth, or by any checkpassword program.
 * fds:	0 from the client, 1 to the client (one socket, mostly), 2 the log.
 *	Opened here: the Maildir of the arguments, "Maildir" without, in the user's home,
 *	where it was started; messages.
 * Trusts:	whoever has started it that this is the user's home. Not one byte of the
 *	client or of a message; not the names of files.
 * Never:	opens a file outside the Maildir, follows a link in it, changes anything
 *	before QUIT.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "args.h"
#include "clock.h"
#include "jail.h"
#include "prog.h"
#include "qlog.h"
#include "session.h"

extern const struct jail_profile jail_qpop3d;

static const char usage[] = "qpop3d [-C dir] [maildir]";

enum { PATHS_MAX = 4 };

static struct session session;

static void warn_box(const char *what, const char *name)
{
	warn_msg("%s: %s", what, name);
}

/* The client hears that it may try again. */
static _Noreturn void die_mailbox(const char *dir)
{
	int e = errno;

	session_refuse(&session, "[SYS/TEMP] The mailbox cannot be opened now.");
	errno = e;
	die_sys2(EXIT_TEMP, "open the mailbox", dir);
}

/* Who never had mail has no Maildir yet. The profile's "/MAILDIR" stands for the one that is served. */
static void lock_in(const char *dir)
{
	struct jail_profile mine = jail_qpop3d;
	struct jail_path paths_mine[PATHS_MAX];
	char real[PATH_MAX];

	if ((mkdir(dir, 0700) == -1 && errno != EEXIST) || realpath(dir, real) == NULL)
		die_mailbox(dir);
	for (size_t i = 0; i < mine.npaths && i < PATHS_MAX; i++) {
		paths_mine[i] = mine.paths[i];
		if (strcmp(paths_mine[i].rest, "MAILDIR") == 0)
			paths_mine[i].rest = real + 1;
	}
	mine.paths = paths_mine;
	if (jail_enter(&mine) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
}

static void log_end(const struct session *s, int64_t began)
{
	struct qlog l;

	qlog_begin(&l, "logout");
	qlog_str(&l, "result", s->over);
	qlog_num(&l, "messages", s->drop.box.count);
	qlog_num(&l, "sent", s->sent);
	qlog_num(&l, "deleted", s->deleted);
	qlog_num(&l, "bytes", s->bytes);
	qlog_num(&l, "ms", (uint64_t)(clock_mono_ms() - began));
	qlog_end(&l);
}

/* A reply goes out at once (over a socket of another kind it does anyway). */
static void set_socket(void)
{
	static const struct timeval idle = {.tv_sec = SESSION_IDLE_MS / 1000};
	static const int on = 1;

	(void)setsockopt(1, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	session.is_timed =
	    setsockopt(0, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle) == 0 &&
	    (fcntl(0, F_GETFL) & O_NONBLOCK) == 0;
}

int main(int argc, char **argv)
{
	int64_t began = clock_mono_ms();
	const char *dir = "Maildir";
	int first;

	prog_init("qpop3d");
	first = args(usage, args_none, argc, argv);
	if (first < argc)
		dir = argv[first];
	(void)signal(SIGPIPE, SIG_IGN);
	set_socket();
	box_boot();
	box_warn = warn_box;
	obuf_init(&session.out, 1);
	lock_in(dir);
	if (drop_open(&session.drop, dir) == -1)
		die_mailbox(dir);
	session_serve(&session);
	drop_close(&session.drop);
	log_end(&session, began);
	session_part(&session);
	return 0;
}
