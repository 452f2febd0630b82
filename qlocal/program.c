#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"
#include "prog.h"

enum { EXIT_NO_SHELL = 111, DRAIN_ROUNDS = 16 };

/* ---- the child ---- */

/* A description of its own, read only, so that no program can change what the next
 * one reads. Without /proc they share one, put back to its beginning. */
static int open_copy(int copy)
{
	char path[32];
	int fd;

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", copy);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd != -1)
		return fd;
	return lseek(copy, 0, SEEK_SET) == -1 ? -1 : copy;
}

static _Noreturn void become(const struct program *p, int out)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)p->command, NULL};
	int in = open_copy(p->copy);
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setpgid(0, 0);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (in == -1 || dup2(in, 0) == -1 || dup2(out, 1) == -1 || dup2(out, 2) == -1)
		_exit(EXIT_NO_SHELL);
	(void)execve("/bin/sh", argv, p->env);
	_exit(EXIT_NO_SHELL);
}

/* ---- its end and its output ---- */

struct run {
	const struct program *p;
	pid_t pid;
	int out;
	int status;
	int ended;
	size_t n;
	char text[LIMIT_OUTPUT];
};

static void on_child(int sig)
{
	(void)sig;
}

/* What is there now, a bounded part of it: a flood is read on the next turn, and
 * dropped. 0 at the end. */
static int drain(struct run *r)
{
	char piece[LIMIT_OUTPUT];

	for (int i = 0; i < DRAIN_ROUNDS; i++) {
		ssize_t got = read(r->out, piece, sizeof piece);
		size_t keep = sizeof r->text - r->n;

		if (got <= 0)
			return got != 0;
		if (keep > (size_t)got)
			keep = (size_t)got;
		memcpy(r->text + r->n, piece, keep);
		r->n += keep;
	}
	return 1;
}

static int reap(struct run *r)
{
	pid_t pid;

	if (r->ended)
		return 1;
	do
		pid = waitpid(r->pid, &r->status, WNOHANG);
	while (pid == -1 && errno == EINTR);
	r->ended = pid == r->pid;
	return r->ended;
}

static void kill_group(struct run *r)
{
	(void)kill(-r->pid, SIGKILL);
	(void)kill(r->pid, SIGKILL);
	while (!r->ended && waitpid(r->pid, &r->status, 0) == -1 && errno == EINTR)
		;
	r->ended = 1;
}

/* SIGCHLD is blocked but for the wait itself, so none is missed. 0 when the program has
 * ended, -1 with ETIMEDOUT or EPIPE (nobody waits for us). */
static int attend(struct run *r, const sigset_t *open_mask)
{
	struct pollfd fds[2] = {{r->out, POLLIN, 0}, {r->p->lifeline, 0, 0}};

	while (!reap(r)) {
		int left = clock_left_ms(r->p->deadline);
		struct timespec t = {left / 1000, (long)(left % 1000) * 1000000};

		if (left == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		fds[0].revents = fds[1].revents = 0;
		if (ppoll(fds, 2, &t, open_mask) == -1)
			continue;
		if (fds[1].revents != 0) {
			errno = EPIPE;
			return -1;
		}
		if (fds[0].revents != 0 && !drain(r))
			fds[0].fd = -1;
	}
	(void)drain(r);
	return 0;
}

/* ---- what it means ---- */

char program_letter(int status)
{
	if (!WIFEXITED(status))
		return LATER;
	switch (WEXITSTATUS(status)) {
	case 0:
	case EXIT_STOP:
		return DONE;
	/* sysexits(3) that no later attempt can change, as in qmail-command(8) */
	case 64:
	case 65:
	case 70:
	case 76:
	case 77:
	case 78:
	case 100:
	case 112:
		return NEVER;
	default:
		return LATER;
	}
}

static void judge(const struct run *r, struct answer *a)
{
	char letter = program_letter(r->status);

	if (WIFSIGNALED(r->status))
		answer_set(a, letter, "a program was ended by signal %d (#4.3.0) %.*s",
			   WTERMSIG(r->status), (int)r->n, r->text);
	else if (letter != DONE && r->n == 0)
		answer_set(a, letter, "a program ended with code %d (#%c.3.0)",
			   WEXITSTATUS(r->status), letter == NEVER ? '5' : '4');
	else
		answer_set(a, letter, "%.*s", (int)r->n, r->text);
}

static void watch(struct run *r, struct answer *a, const sigset_t *open_mask)
{
	if (attend(r, open_mask) == 0) {
		judge(r, a);
		return;
	}
	if (errno == EPIPE) {
		kill_group(r);
		die_msg(EXIT_TEMP, "the other half is gone");
	}
	kill_group(r);
	(void)drain(r);
	answer_set(a, LATER, "a program ran for too long and was ended (#4.3.0) %.*s",
		   (int)r->n, r->text);
}

/* 0, or -1. */
static int start(struct run *r)
{
	int out[2];

	if (pipe2(out, O_CLOEXEC) == -1)
		return -1;
	if (fd_nonblock(out[0]) == -1 || (r->pid = fork()) == -1) {
		(void)close(out[0]);
		(void)close(out[1]);
		return -1;
	}
	if (r->pid == 0)
		become(r->p, out[1]);
	(void)setpgid(r->pid, r->pid); /* the child does it too: who comes first */
	(void)close(out[1]);
	r->out = out[0];
	return 0;
}

int program_run(const struct program *p, struct answer *a)
{
	struct sigaction on = {.sa_handler = on_child};
	struct run r = {.p = p};
	sigset_t child;
	sigset_t before;

	(void)sigaction(SIGCHLD, &on, NULL);
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, &before);
	(void)sigdelset(&before, SIGCHLD);
	if (start(&r) == -1)
		answer_errno(a, "start", "a program");
	else {
		watch(&r, a, &before);
		(void)close(r.out);
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return a->letter == DONE && WEXITSTATUS(r.status) == EXIT_STOP;
}
