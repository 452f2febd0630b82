/* qimapd: one IMAP session (RFC 9051, 3501) after its login, in the mailbox of one user.
 *
 * uid:	the user. Started by qauth, or by a checkpassword program (qimapd-login(8)).
 * fds:	0 from the client, 1 to the client (one socket, mostly; qtls's plaintext side), 2 the
 *	log. Opened here: control/appendlimit, control/databytes (closed again), the Maildir's
 *	root, and while it runs the folders and messages below it, an inotify instance.
 * Trusts:	the admin's control files, the environment that its starter set, and the user's
 *	Maildir no more than a parser must: its names and files may be anybody's.
 *	Not one byte of the client.
 * Never:	opens a file outside of the Maildir once the sandbox is closed, and that is before
 *	the first byte of the client; starts a program; speaks to anybody but the client.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "capability.h"
#include "control.h"
#include "io.h"
#include "jail.h"
#include "mailbox.h"
#include "mime/convert.h"
#include "prog.h"
#include "qlimits.h"
#include "qlog.h"
#include "session.h"

extern const struct jail_profile jail_qimapd, jail_qimapd_convert;

static const char usage[] = "qimapd [-C dir] [-d maildir] [-p] [dir] [-- tag]";

static const char *maildir = "./Maildir";
static const char *tag;
static int preauth;

/* The client waits for an answer to its login. */
static _Noreturn void die_starting(const char *why)
{
	int e = errno;

	if (tag != NULL) {
		io_puts(tag);
		io_puts(" NO [UNAVAILABLE] The mailbox cannot be opened now.\r\n");
	}
	io_puts("* BYE The mailbox cannot be opened now.\r\n");
	io_end();
	errno = e;
	die_sys(EXIT_TEMP, why);
}

/* [dir] [-- tag]; getopt() has taken the dashes if there is no dir. */
static void take_words(int argc, char **argv, int first)
{
	int dashes = first > 1 && strcmp(argv[first - 1], "--") == 0;

	if (!dashes && first < argc && strcmp(argv[first], "--") != 0)
		maildir = argv[first++];
	if (!dashes && first < argc && strcmp(argv[first], "--") == 0) {
		dashes = 1;
		first++;
	}
	if (dashes && first < argc)
		tag = argv[first++];
	if (first < argc || (tag == NULL && !preauth))
		die_usage(usage);
}

static const char *from_environment(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? value : "";
}

/* The smaller of what the admin allows by mail and by APPEND. */
static void load_limit(void)
{
	uint64_t bytes = LIMIT_MESSAGE;
	uint64_t more = 0;

	if (control_num("databytes", LIMIT_MESSAGE, &more) == -1 ||
	    control_num("appendlimit", LIMIT_MESSAGE, &bytes) == -1) {
		warn_msg("%s", control_error());
		return;
	}
	if (more != 0 && more < bytes)
		bytes = more;
	session.appendlimit = bytes;
}

static void greet(void)
{
	struct qlog l;

	io_puts(tag != NULL ? tag : "* PREAUTH [");
	if (tag != NULL)
		io_puts(" OK [");
	capability_put();
	io_puts("] Logged in\r\n");
	qlog_begin(&l, "login");
	qlog_str(&l, "user", session.user);
	qlog_str(&l, "client", session.client);
	qlog_end(&l);
}

static void warn_box(const char *what, const char *name)
{
	warn_msg("mailbox: %s: %s", what, name);
}

int main(int argc, char **argv)
{
	const struct arg table[] = {
	    {'d', arg_word, &maildir, 0, 0}, {'p', arg_flag, &preauth, 0, 0}, {0}};
	int on = 1;

	prog_init("qimapd");
	take_words(argc, argv, args(usage, table, argc, argv));
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a limit of the host is a full disk */
	(void)setenv("TZ", "UTC0", 1);  /* a local zone would be a file to open */
	tzset();
	io_init(0, 1);
	(void)setsockopt(1, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	session.state = ST_AUTH;
	session.appendlimit = LIMIT_MESSAGE;
	session.user = from_environment("USER");
	session.client = from_environment("TCPREMOTEIP");
	load_limit();
	if (mailbox_open(&session.store, maildir) == -1)
		die_starting("open the mailbox");
	box_boot();
	box_warn = warn_box;
	convert_profile(&jail_qimapd_convert);
	if (mailbox_jail(&jail_qimapd, &session.store) == -1)
		die_starting("close the sandbox");
	greet();
	session_serve();
	return 0;
}
