/* child: the processes that qauth starts: judges, and servers that run as a user.
 *
 * A judge counts until it has ended; one that was run by a foreign checker becomes the
 * server, when it was handed the session, and counts no longer. Their lines go into our
 * log.
 */
#ifndef QAUTH_CHILD_H
#define QAUTH_CHILD_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "authask.h"
#include "owner.h"
#include "said.h"
#include "words.h"

struct ask;

struct child {
	struct child *next;
	struct ask *ask; /* who waits for its word; NULL */
	pid_t pid;
	int is_judge;   /* else a server */
	int is_foreign; /* a judge that is not ours */
	int is_stem;    /* neither: it forks judges */
	int is_forked;  /* a judge that it forked */
	int is_spare;   /* one that has nothing to judge yet: it does not count */
	int report;     /* of a judge; -1 */
	int64_t until;  /* then it is killed */
	struct said said;
	char name[LIMIT_LOGIN + 1];
};

extern struct child *children;

/* Once: the signals that are let through again, and /dev/null. -1 with errno. */
int child_init(const sigset_t *mask);

unsigned child_count(int is_judge);
unsigned child_servers_of(const char *account);

/* A judge for w, as o (NULL: as we are). NULL with errno. */
struct child *child_judge(const struct words *words, const struct auth_want *w,
			  const struct owner *o);

/* What forks judges (stem.h). */
struct child *child_stem(const struct words *words, const struct owner *o, int *channel);
/* A judge that is there already, a spare one; report is its from now on. NULL: no memory, or
 * pid is no new child of ours. */
struct child *child_forked(pid_t pid, int report);
void child_use(struct child *c, const char *name); /* it has something to judge */

/* A server on w->session, as o in home. *started is a pipe: the end of file says that
 * it runs, a byte that it does not. */
struct child *child_serve(const struct words *words, const struct auth_want *w,
			  const char *account, const struct owner *o, const char *home,
			  int *started);

/* The session for a judge that said yes: it is a server now. */
int child_hand_over(struct child *c, int session);

void child_close(struct child *c); /* nothing more is heard of it */
void child_kill(struct child *c);  /* with its process group */

/* Has one ended? It is taken off the list; child_free() is the caller's. */
struct child *child_reap(int *status);
void child_free(struct child *c);

#endif
