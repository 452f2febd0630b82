/* pool: qrspawn's children. Each serves one destination, one job at a time, and is kept
 * for IDLE_TIME after a job, with its connection; but for REUSE_TIME at most, since what
 * the admin has changed in control/ is known to new ones alone.
 *
 * A child is a process and a socket; the process that hung up, or whose socket we
 * closed, is on its way out and no longer in the pool (SIGCHLD reaps it).
 * Owner: static storage; tables of fixed size. Nothing here waits for a child.
 */
#ifndef QREMOTE_POOL_H
#define QREMOTE_POOL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "destination.h"
#include "limits.h"

struct child {
	int fd;
	pid_t pid; /* -1: reaped already */
	int busy;
	uint16_t slot;  /* of its job */
	uint16_t count; /* of the job's recipients */
	int64_t born;
	int64_t until; /* busy: kill it; idle: let it go */
	char destination[DESTINATION_SIZE];
};

struct pool {
	size_t n;
	struct child child[CHILDREN_MAX];
};

/* An idle child for this destination, or NULL. */
struct child *pool_find(struct pool *p, const char *destination);

/* A new one; at the limit an idle child goes for it. NULL with errno: none to be had now
 * (EAGAIN: all are busy). */
struct child *pool_start(struct pool *p, const char *destination);

/* It has answered, and is idle. */
void pool_rest(struct child *c);

/* End it at once. Moves the pool's last child to c's place. */
void pool_kill(struct pool *p, struct child *c);

/* Let the idle ones go whose time has come. The next time to look, or CLOCK_NEVER. */
int64_t pool_expire(struct pool *p);

/* This process is reaped: forget its number. */
void pool_reaped(struct pool *p, pid_t pid);

#endif
