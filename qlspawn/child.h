/* child: the processes qlocal, each one user's. */
#ifndef QUOIN_CHILD_H
#define QUOIN_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "route.h"
#include "said.h"

struct ljob;

struct child {
	struct child *next;
	struct route_user user; /* name, uid, gid, home */
	pid_t pid;
	int sock; /* -1: it is to end */
	struct said said;
	struct ljob *job; /* the one under way */
	int64_t since;    /* of the job, or of idleness */
};

/* The same person, in every respect that a process keeps. */
int user_same(const struct route_user *a, const struct route_user *b);

/* Start one. NULL with errno. */
struct child *child_start(const struct route_user *u);

/* One that only says, by its exit status, whether the user's mailbox is full (qlocal -f); it
 * has no descriptor but /dev/null. Its pid, or -1. */
pid_t child_ask(const struct route_user *u);

/* End of file for it: an idle one exits. */
void child_close(struct child *c);

/* It and all of its process group, now. */
void child_kill(struct child *c);

/* Has it ended? Then it is reaped (what is left of its group is killed if it ended with
 * a job under way) and only child_free() remains. */
int child_reap(struct child *c);
void child_free(struct child *c);

#endif
