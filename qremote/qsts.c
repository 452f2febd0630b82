/* qsts: knows the MTA-STS policies of domains (RFC 8461).
 *
 * Runs as quoinm. Asked by qremote, over run/qsts/sock (lib/stsask.h); many connections,
 * one question at a time on each. Two halves, two sandboxes: this one keeps policies in
 * sts/, a file each, and speaks with nobody outside; the other (sts_fetch.h) asks DNS and,
 * by qtls, web servers, and opens no file. What that one reports is parsed here again. A
 * policy that was fetched holds until it is too old, whoever disturbs DNS or the web
 * server meanwhile; what fails where nothing is kept is as if there were no policy. All
 * that are kept are fetched anew each day.
 *
 *	run/qsts/sock	request = domain NUL, answer: lib/stsask.h
 *	2		log
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "args.h"
#include "control.h"
#include "dns.h"
#include "jail.h"
#include "prog.h"
#include "ready.h"
#include "sts_cache.h"
#include "sts_clients.h"
#include "sts_fetch.h"
#include "sts_pending.h"
#include "usock.h"

static const char usage[] = "qsts [-C dir] [-d fd] [-p port]";

extern const struct jail_profile jail_qsts;
extern const struct jail_profile jail_qsts_fetch;

enum { HTTPS = 443 };

/* ---- the loop ---- */

enum { P_SOCK, P_PAIR, P_CLIENTS, P_PENDING = P_CLIENTS + STS_CLIENTS };
static struct pollfd watched[P_PENDING + STS_PENDING];

static void fill(int sock, int pair)
{
	watched[P_SOCK] = (struct pollfd){.fd = sock, .events = POLLIN};
	/* Nothing comes here but the other half's end. */
	watched[P_PAIR] = (struct pollfd){.fd = pair, .events = POLLIN};
	sts_clients_fill(watched + P_CLIENTS);
	sts_pending_fill(watched + P_PENDING);
}

static _Noreturn void serve(int sock, int pair)
{
	for (;;) {
		fill(sock, pair);
		if (poll(watched, sizeof watched / sizeof *watched,
			 sts_pending_wait_ms()) == -1) {
			if (errno != EINTR)
				die_sys(EXIT_TEMP, "wait for events");
			continue;
		}
		if (watched[P_PAIR].revents != 0)
			die_msg(EXIT_TEMP, "the half that fetches has ended");
		sts_pending_hear(watched + P_PENDING);
		sts_clients_hear(watched + P_CLIENTS);
		if (watched[P_SOCK].revents != 0)
			sts_clients_take(sock);
		sts_pending_tick();
	}
}

/* ---- the start ---- */

static unsigned port = HTTPS;

static int arguments(int argc, char **argv)
{
	int notify = -1;
	const struct arg table[] = {
	    {'d', arg_fd, &notify, 0, 0}, {'p', arg_num, &port, 1, 65535}, {0}};

	args_only(usage, table, argc, argv);
	return notify;
}

static void configure(struct dns *d)
{
	if (dns_init(d) == -1)
		die_msg(EXIT_TEMP, "unable to read %s", control_error());
	/* A process that has fetched is nobody's to wait for. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGCHLD, SIG_IGN) == SIG_ERR)
		die_sys(EXIT_TEMP, "set signals");
}

static int open_directory_and_socket(void)
{
	int fd;

	if (sts_cache_open() == -1)
		die_sys(EXIT_TEMP, "open the directory sts");
	fd = usock_listen("qsts", SOCK_SEQPACKET, 0660);
	if (fd == -1)
		die_sys(EXIT_TEMP, "listen at run/qsts");
	return fd;
}

/* The other half has neither our socket, nor its lock, nor our directory. */
static int start_fetcher(struct dns *d, int notify)
{
	int fds[2];
	pid_t pid;

	if (usock_pair(fds) == -1 || (pid = fork()) == -1)
		die_sys(EXIT_TEMP, "start the half that fetches");
	if (pid > 0) {
		(void)close(fds[1]);
		return fds[0];
	}
	(void)close(fds[0]);
	if (notify != -1)
		(void)close(notify);
	if (jail_enter(&jail_qsts_fetch) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	sts_fetcher(fds[1], d, port);
}

int main(int argc, char **argv)
{
	static struct dns dns;
	int notify;
	int sock;
	int pair;

	prog_init("qsts");
	notify = arguments(argc, argv);
	configure(&dns);
	pair = start_fetcher(&dns, notify);
	sock = open_directory_and_socket();
	sts_pending_open(pair);
	if (jail_enter(&jail_qsts) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	ready_notify(notify);
	serve(sock, pair);
}
