/* qbounce: makes notifications of deliveries (failures, delays, successes that somebody
 * asked for) and submits them to qqueue. This file is its server; notice.c makes one.
 *
 * Uid:         quoins, like qsend.
 * Descriptors: -q: the socket pair with qsend (bounce.h); -l: the lifeline.
 *              For each notification the queue file and its journal, read only.
 *              Settings come from qsend, which reads the control files.
 * Trusts:      nobody: what it reads was written by strangers. Each notification is
 *              made by a process of its own, so that a message that harms it harms
 *              no other.
 * Never:       opens a file; writes to the queue but through qqueue.
 */
#include "bounce.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "jail.h"
#include "job.h"
#include "notice.h"
#include "prog.h"
#include "usock.h"

extern const struct jail_profile jail_qbounce;

static const char usage[] = "qbounce [-C dir] -l fd -q fd";
enum { CHILDREN = 16 };

static struct {
	int lifeline;
	int socket;
} self = {-1, -1};

/* What qsend has said last; the strings are in a copy of its frame. */
static struct bounce_settings settings;

static struct child {
	pid_t pid;
	uint16_t slot;
} children[CHILDREN];

/* ---- start ---- */

static void arguments(int argc, char **argv)
{
	static const struct arg table[] = {
	    {'l', arg_fd, &self.lifeline, 0, 0}, {'q', arg_fd, &self.socket, 0, 0}, {0}};

	args_only(usage, table, argc, argv);
	if (self.lifeline == -1 || self.socket == -1)
		die_usage(usage);
}

/* ---- the server ---- */

static struct child *free_child(void)
{
	for (int i = 0; i < CHILDREN; i++)
		if (children[i].pid == 0)
			return &children[i];
	return NULL;
}

static void say_later(uint16_t slot, const char *text)
{
	struct report r = {.slot = slot, .count = 1, .letter = {'Z'}, .text = {text}};
	struct sbuf frame = SBUF_INIT(LIMIT_FRAME);

	/* qsend takes few at once: its answers always find room. */
	if (report_put(&frame, &r) == -1 ||
	    usock_send(self.socket, frame.p, frame.len, -1) == -1)
		die_sys(EXIT_TEMP, "answer qsend");
	sbuf_free(&frame);
}

static void end_by_signals(const sigset_t *awake)
{
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, awake, NULL);
}

static void start_notice(const struct notice_job *job, const sigset_t *awake)
{
	struct child *c = free_child();
	uint16_t slot = job->frame.slot;

	if (c == NULL) {
		say_later(slot, "too many notifications at once");
		return;
	}
	c->pid = fork();
	if (c->pid == 0) {
		end_by_signals(awake);
		notice(job);
	}
	if (c->pid == -1) {
		c->pid = 0;
		say_later(slot, strerror(errno));
		return;
	}
	c->slot = slot;
}

/* A process that ended badly has not answered. */
static void reap(void)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < CHILDREN; i++) {
			if (children[i].pid != pid)
				continue;
			children[i].pid = 0;
			if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
				say_later(children[i].slot, "the process that made the "
							    "notification has crashed");
		}
}

static _Noreturn void die_sense(void)
{
	die_msg(EXIT_TEMP, "qsend does not make sense");
}

static void take_settings(const char *frame, size_t n)
{
	static char kept[BOUNCE_FRAME];
	struct bounce_frame f;

	memcpy(kept, frame, n);
	if (bounce_get(kept, n, &f) == -1)
		die_sense();
	settings = f.settings;
}

/* The queue file comes first, its journal next. */
static void take_part(const struct bounce_frame *f, int fd, const sigset_t *awake)
{
	static int queue_file = -1;
	static uint16_t wanted;
	struct notice_job job = {.settings = &settings,
				 .frame = *f,
				 .queue_file = queue_file,
				 .journal = fd,
				 .socket = self.socket,
				 .lifeline = self.lifeline};

	if (f->part == BOUNCE_MESSAGE) {
		if (queue_file != -1)
			(void)close(queue_file);
		queue_file = fd;
		wanted = f->slot;
		return;
	}
	if (queue_file == -1 || wanted != f->slot || settings.me == NULL)
		die_sense();
	start_notice(&job, awake);
	(void)close(queue_file);
	(void)close(fd);
	queue_file = -1;
}

/* 0: qsend has ended. */
static int take_frame(const sigset_t *awake)
{
	char frame[BOUNCE_FRAME];
	struct bounce_frame f;
	int fd;
	ssize_t len = usock_recv(self.socket, frame, sizeof frame, &fd);

	if (len == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 1;
	if (len == 0)
		return 0;
	if (len == -1 || bounce_get(frame, (size_t)len, &f) == -1 ||
	    (fd == -1) != (f.part == BOUNCE_SETTINGS))
		die_sense();
	if (f.part == BOUNCE_SETTINGS)
		take_settings(frame, (size_t)len);
	else
		take_part(&f, fd, awake);
	return 1;
}

static void on_child(int sig)
{
	(void)sig;
}

static void stop_children(void)
{
	for (int i = 0; i < CHILDREN; i++)
		if (children[i].pid > 0)
			(void)kill(children[i].pid, SIGKILL);
}

static void serve(const sigset_t *awake)
{
	struct pollfd p[2] = {{self.lifeline, POLLIN, 0}, {self.socket, POLLIN, 0}};

	for (;;) {
		int n = ppoll(p, 2, NULL, awake);

		if (n == -1 && errno != EINTR)
			die_sys(EXIT_TEMP, "wait");
		reap();
		if (n <= 0)
			continue;
		if (p[0].revents != 0 || (p[1].revents != 0 && !take_frame(awake)))
			return;
	}
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_child};
	sigset_t block;
	sigset_t awake;

	prog_init("qbounce");
	arguments(argc, argv);
	tzset(); /* while its file can still be opened */
	(void)sigemptyset(&block);
	(void)sigaddset(&block, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &block, &awake);
	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGCHLD, &sa, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	if (jail_enter(&jail_qbounce) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	serve(&awake);
	stop_children();
	return 0;
}
