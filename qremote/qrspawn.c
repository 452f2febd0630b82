/* qrspawn: gives jobs for other hosts to children, one qremote for each destination.
 *
 * Uid:         quoinr.
 * Descriptors: -l FD, the lifeline: at its end of file everything stops;
 *              -q FD, a SOCK_SEQPACKET socket to qsend: jobs in, reports out (job.h).
 * Trusts:      qsend's frames after checking them; of its children's only what answers
 *              the job that they have.
 * Passes on:   the logins at next hops that a job has, to the one child of that route.
 * Never:       reads a message or a byte of the network, blocks on a peer, gives one
 *              child two destinations.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "args.h"
#include "catch.h"
#include "clock.h"
#include "destination.h"
#include "jail.h"
#include "job.h"
#include "limits.h"
#include "memory.h"
#include "pool.h"
#include "prog.h"
#include "remotejob.h"
#include "sbuf.h"
#include "usock.h"

extern const struct jail_profile jail_qrspawn;

static struct pool pool;
static int lifeline = -1;
static int qsend = -1;
static int deaths = -1; /* signalfd */

/* A report that qsend has not taken yet; until it does nothing else is read. */
static struct sbuf report = SBUF_INIT(LIMIT_FRAME);
static char frame[LIMIT_REMOTEFRAME];

static struct memory memory;

static _Noreturn void die_qsend(const char *what)
{
	die_sys(EXIT_TEMP, what);
}
static _Noreturn void die_start(const char *what)
{
	die_sys(EXIT_TEMP, what);
}

static void arguments(int argc, char **argv)
{
	static const char usage[] = "qrspawn [-C dir] -l fd -q fd";
	static const struct arg table[] = {
	    {'l', arg_fd, &lifeline, 0, 0}, {'q', arg_fd, &qsend, 0, 0}, {0}};

	args_only(usage, table, argc, argv);
	if (lifeline == -1 || qsend == -1)
		die_usage(usage);
}

static void open_signals(void)
{
	static const int signals[] = {SIGCHLD, 0};

	(void)signal(SIGPIPE, SIG_IGN);
	deaths = catch_signals(signals, NULL);
}

/* ---- reports ---- */

static void send_report(void)
{
	if (usock_send(qsend, report.p, report.len, -1) == 0)
		sbuf_clear(&report);
	else if (errno != EAGAIN)
		die_qsend("send a report");
}

static void answer_all(uint16_t slot, uint16_t count, const char *text)
{
	struct job j = {.slot = slot, .nrcpts = count};

	if (report_all(&report, &j, 'Z', text) == -1)
		die_qsend("write a report");
	send_report();
}

/* Idle, and gone as well, is how a child ends. */
static void lose_child(struct child *c, const char *text)
{
	uint16_t slot = c->slot;
	uint16_t count = c->count;
	int busy = c->busy;

	pool_kill(&pool, c);
	if (busy)
		answer_all(slot, count, text);
}

static int answers(const struct child *c, const char *p, size_t n)
{
	struct report r;

	return c->busy && report_get(&r, p, n) == 0 && r.slot == c->slot &&
	       r.count == c->count;
}

static void hear_child(struct child *c)
{
	struct remotejob_tried tried;
	const char *p = frame;
	ssize_t got = usock_recv(c->fd, frame, sizeof frame, NULL);
	size_t n = (size_t)got;

	if (got == -1 && errno == EAGAIN)
		return;
	if (got <= 0) {
		lose_child(c, "qremote stopped before it had an answer (#4.3.0)");
		return;
	}
	if (remotejob_report_get(&tried, &p, &n) == -1 || !answers(c, p, n)) {
		bug_msg("qremote for %s sent what is no report", c->destination);
		lose_child(c, "qremote failed (#4.3.0)");
		return;
	}
	sbuf_clear(&report);
	if (sbuf_cat(&report, p, n) == -1)
		die_qsend("keep a report");
	pool_rest(c);
	memory_note(&memory, &tried, clock_mono_ms());
	send_report();
}

/* ---- jobs ---- */

/* There may be a password in it. */
static void wipe(char *p, size_t n)
{
	int e = errno;

	if (n > 0)
		explicit_bzero(p, n);
	errno = e;
}

static int hand_over(struct child *c, const struct job *j, size_t n, int fd)
{
	static struct sbuf job = SBUF_INIT(LIMIT_REMOTEFRAME);
	struct remotejob_dead dead = memory_dead(&memory, clock_mono_ms());

	int r = remotejob_put(&job, &dead, frame, n);

	if (r == 0)
		r = usock_send(c->fd, job.p, job.len, fd);
	wipe(job.p, job.len);
	if (r == -1)
		return -1;
	c->busy = 1;
	c->slot = j->slot;
	c->count = j->nrcpts;
	c->until = clock_mono_ms() + ATTEMPT_TIME + DATA_TIME + WAIT_DOT + KILL_GRACE +
		   (int64_t)(2 * j->msg_len / DATA_RATE) * 1000;
	return 0;
}

/* A kept child may have ended in this moment: then a new one. */
static int place(const struct job *j, const char *destination, size_t n, int fd)
{
	struct child *c = pool_find(&pool, destination);

	if (c != NULL) {
		if (hand_over(c, j, n, fd) == 0)
			return 0;
		pool_kill(&pool, c);
	}
	c = pool_start(&pool, destination);
	if (c == NULL)
		return -1;
	if (hand_over(c, j, n, fd) == 0)
		return 0;
	pool_kill(&pool, c);
	return -1;
}

static void start_job(size_t n, int fd)
{
	char destination[DESTINATION_SIZE];
	struct job j;

	if (fd == -1 || job_get(&j, frame, n) == -1) {
		errno = EBADMSG;
		die_qsend("read a job");
	}
	/* Without a destination in common qremote has an answer for each. */
	if (destination_of(&j, destination) == -1)
		destination[0] = '\0';
	if (place(&j, destination, n, fd) == -1) {
		warn_sys("start a delivery");
		answer_all(j.slot, j.nrcpts, "unable to start a delivery now (#4.3.0)");
	}
}

static void hear_qsend(void)
{
	int fd;
	ssize_t n = usock_recv(qsend, frame, sizeof frame, &fd);

	if (n == -1 && errno == EAGAIN)
		return;
	if (n == 0)
		die_msg(EXIT_TEMP, "qsend is gone");
	if (n == -1)
		die_qsend("receive a job");
	start_job((size_t)n, fd);
	wipe(frame, (size_t)n);
	(void)close(fd);
}

/* ---- the loop ---- */

static void reap(void)
{
	int status;
	pid_t pid;

	while (sigfd_next(deaths) != 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		pool_reaped(&pool, pid);
		if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
			bug_msg("qremote %d ended by signal %d", (int)pid,
				WTERMSIG(status));
	}
}

static void kill_late(void)
{
	int64_t now = clock_mono_ms();

	for (size_t i = 0; i < pool.n && report.len == 0; i++)
		if (pool.child[i].busy && pool.child[i].until <= now) {
			lose_child(&pool.child[i], "qremote took too long (#4.3.0)");
			return; /* the table has moved; the loop comes back at once */
		}
}

enum { P_LIFELINE, P_DEATHS, P_QSEND, P_FIXED };

/* With a report waiting for qsend nothing else is listened to. */
static size_t fill(struct pollfd p[P_FIXED + CHILDREN_MAX])
{
	int full = report.len > 0;

	p[P_LIFELINE] = (struct pollfd){lifeline, POLLIN, 0};
	p[P_DEATHS] = (struct pollfd){deaths, POLLIN, 0};
	p[P_QSEND] = (struct pollfd){qsend, full ? POLLOUT : POLLIN, 0};
	for (size_t i = 0; !full && i < pool.n; i++)
		p[P_FIXED + i] = (struct pollfd){pool.child[i].fd, POLLIN, 0};
	return P_FIXED + (full ? 0 : pool.n);
}

/* From the last child to the first: dropping one moves only the last to its place. */
static void hear_children(const struct pollfd *p, size_t n)
{
	for (size_t i = n; i-- > 0 && report.len == 0;)
		if (p[i].revents != 0)
			hear_child(&pool.child[i]);
}

static int serve(void)
{
	static struct pollfd p[P_FIXED + CHILDREN_MAX];

	for (;;) {
		int64_t next = pool_expire(&pool);
		size_t n = fill(p);

		if (report.len > 0)
			next = CLOCK_NEVER;
		if (poll(p, n, clock_left_ms(next)) == -1 && errno != EINTR)
			die_start("wait");
		if (p[P_LIFELINE].revents != 0)
			return 0; /* its end; our sockets close, and children with them */
		if (p[P_DEATHS].revents != 0)
			reap();
		if (report.len > 0) {
			if (p[P_QSEND].revents != 0)
				send_report();
			continue;
		}
		hear_children(p + P_FIXED, n - P_FIXED);
		kill_late();
		if (p[P_QSEND].revents != 0 && report.len == 0)
			hear_qsend();
	}
}

int main(int argc, char **argv)
{
	prog_init("qrspawn");
	arguments(argc, argv);
	open_signals();
	if (jail_enter(&jail_qrspawn) == -1)
		die_start("close the sandbox");
	return serve();
}
