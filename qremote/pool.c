#include "pool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "fdio.h"
#include "paths.h"
#include "prog.h"
#include "usock.h"

struct child *pool_find(struct pool *p, const char *destination)
{
	int64_t now = clock_mono_ms();

	for (size_t i = 0; i < p->n; i++)
		if (!p->child[i].busy && p->child[i].until > now &&
		    strcmp(p->child[i].destination, destination) == 0)
			return &p->child[i];
	return NULL;
}

void pool_rest(struct child *c)
{
	c->busy = 0;
	c->until = clock_sooner(clock_mono_ms() + IDLE_TIME, c->born + REUSE_TIME);
}

/* Hang up: an idle child takes leave of its server and ends. Moves the last child to c's
 * place. */
static void drop(struct pool *p, struct child *c)
{
	(void)close(c->fd);
	p->n--;
	if (c != &p->child[p->n])
		*c = p->child[p->n];
}

void pool_kill(struct pool *p, struct child *c)
{
	if (c->pid != -1)
		(void)kill(c->pid, SIGKILL);
	drop(p, c);
}

void pool_reaped(struct pool *p, pid_t pid)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->child[i].pid == pid)
			p->child[i].pid = -1;
}

int64_t pool_expire(struct pool *p)
{
	int64_t now = clock_mono_ms();
	int64_t next = CLOCK_NEVER;

	for (size_t i = 0; i < p->n;) {
		struct child *c = &p->child[i];

		if (!c->busy && c->until <= now) {
			drop(p, c);
			continue;
		}
		next = clock_sooner(next, c->until);
		i++;
	}
	return next;
}

static struct child *longest_idle(struct pool *p)
{
	struct child *best = NULL;

	for (size_t i = 0; i < p->n; i++)
		if (!p->child[i].busy &&
		    (best == NULL || p->child[i].until < best->until))
			best = &p->child[i];
	return best;
}

/* In the child. It dies with its parent, whatever it is doing. */
static _Noreturn void run(int fd, pid_t parent)
{
	char path[LIMIT_PATH];
	char number[12];
	char name[] = "qremote";
	char q[] = "-q";
	char home[] = "-C";
	char *argv[] = {
	    name, q, number, args_home != NULL ? home : NULL, (char *)args_home, NULL};
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		_exit(EXIT_TEMP);
	(void)snprintf(number, sizeof number, "%d", fd);
	if (path_join(path, sizeof path, paths.bin, "qremote") != NULL &&
	    fd_move(fd, fd) != -1)
		(void)execv(path, argv);
	die_sys2(EXIT_TEMP, "run", path);
}

/* fork; the child's end of the pair closes here. */
static pid_t start(int fds[2])
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid == 0)
		run(fds[1], parent);
	(void)close(fds[1]);
	return pid;
}

struct child *pool_start(struct pool *p, const char *destination)
{
	int64_t now = clock_mono_ms();
	struct child *c;
	int fds[2];

	if (p->n == CHILDREN_MAX && longest_idle(p) != NULL)
		drop(p, longest_idle(p));
	if (p->n == CHILDREN_MAX) {
		errno = EAGAIN;
		return NULL;
	}
	if (usock_pair(fds) == -1)
		return NULL;
	c = &p->child[p->n];
	*c = (struct child){.fd = fds[0], .born = now, .until = now + IDLE_TIME};
	(void)snprintf(c->destination, sizeof c->destination, "%s", destination);
	c->pid = start(fds);
	if (c->pid == -1) {
		(void)close(fds[0]);
		return NULL;
	}
	p->n++;
	return c;
}
