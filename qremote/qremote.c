/* qremote: carries messages to one destination: a domain's mail exchangers, or the host
 * that smtproutes names.
 *
 * Uid:         quoinr, like its parent qrspawn.
 * Descriptors: -q FD, a SOCK_SEQPACKET socket from qrspawn: jobs in, reports out
 *              (remotejob.h). With each job comes its queue file, of which the message
 *              alone is read.
 * Trusts:      qrspawn's frames after checking them. No server; a DNS answer as far as a
 *              resolver that we believe vouches for it.
 * Asks:        qtls for TLS on a connection, qsts for the MTA-STS policy of a domain.
 * Has:         the password for the next hop of its job, if control/smtpauth has one;
 *              says it to a server that is verified.
 * Touches:     the network. control/ and resolv.conf at start; then no file at all.
 * Never:       serves a second destination; sends a final dot when its parent is gone or
 *              the message is not the one whose checksum it was told.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "config.h"
#include "control.h"
#include "deliver.h"
#include "dns.h"
#include "fdio.h"
#include "jail.h"
#include "job.h"
#include "limits.h"
#include "outcome.h"
#include "prog.h"
#include "remotejob.h"
#include "sbuf.h"
#include "self.h"
#include "usock.h"

extern const struct jail_profile jail_qremote;

enum { REPORT_TIME = 60000 };

static struct remote remote;
static int jobs = -1;

static _Noreturn void die_config(void)
{
	if (*control_error() != '\0')
		die_msg(EXIT_PERM, "%s", control_error());
	die_sys(EXIT_TEMP, "learn the addresses of this host");
}
static _Noreturn void die_parent(const char *what)
{
	die_sys(EXIT_TEMP, what);
}

static void arguments(int argc, char **argv)
{
	static const char usage[] = "qremote [-C dir] -q fd";
	static const struct arg table[] = {{'q', arg_fd, &jobs, 0, 0}, {0}};

	args_only(usage, table, argc, argv);
	if (jobs == -1)
		die_usage(usage);
}

static void configure(void)
{
	if (config_load(&remote.config) == -1 || self_load(&remote.self) == -1 ||
	    dns_init(&remote.dns) == -1)
		die_config();
	remote_begin(&remote);
}

static void report(const struct job *j, char pace, const struct outcome *o)
{
	static struct sbuf frame = SBUF_INIT(LIMIT_REMOTEFRAME);
	struct report r = {.slot = j->slot, .pace = pace, .count = j->nrcpts};

	for (size_t i = 0; i < o->count; i++) {
		r.letter[i] = o->letter[i];
		r.text[i] = o->text[i];
	}
	if (remotejob_report_put(&frame, &remote.tried, &r) == -1)
		die_parent("write a report");
	while (usock_send(jobs, frame.p, frame.len, -1) == -1)
		if (errno != EAGAIN ||
		    fd_wait(jobs, POLLOUT, clock_mono_ms() + REPORT_TIME) == -1)
			die_parent("send a report");
}

static void take_job(const char *frame, size_t n, int fd)
{
	static struct outcome o;
	struct remotejob_dead dead;
	struct job j;
	char pace;

	if (fd == -1 || remotejob_get(&j, &dead, frame, n) == -1) {
		errno = EBADMSG;
		die_parent("read a job");
	}
	pace = deliver(&remote, &j, &dead, fd, jobs, &o);
	(void)close(fd);
	report(&j, pace, &o);
}

/* Until qrspawn hangs up. */
static int serve(void)
{
	static char frame[LIMIT_REMOTEFRAME];

	for (;;) {
		int fd;
		ssize_t n;

		if (fd_wait(jobs, POLLIN, CLOCK_NEVER) == -1)
			die_parent("wait for a job");
		n = usock_recv(jobs, frame, sizeof frame, &fd);
		if (n == 0)
			break;
		if (n == -1 && errno == EAGAIN)
			continue;
		if (n == -1)
			die_parent("receive a job");
		take_job(frame, (size_t)n, fd);
		explicit_bzero(frame, (size_t)n); /* there may be a password in it */
	}
	remote_end(&remote);
	return 0;
}

int main(int argc, char **argv)
{
	prog_init("qremote");
	arguments(argc, argv);
	(void)signal(SIGPIPE, SIG_IGN);
	configure();
	if (jail_enter(&jail_qremote) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	return serve();
}
