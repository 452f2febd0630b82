/* server: the event loop: accepts, asks the connections to go on, collects what the
 * workers have done, and ends in order.
 *
 * Everything here is the loop's thread's; only jobs given to the syncer are not.
 */
#ifndef QQUEUE_SERVER_H
#define QQUEUE_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "counts.h"
#include "ids.h"
#include "quota.h"
#include "sending.h"
#include "syncer.h"

/* Something epoll watches; the first member of what owns the descriptor. */
struct server;
struct source {
	void (*ready)(struct server *s, struct source *source, uint32_t events);
};

struct conn;

struct server_options {
	unsigned workers;
	uint64_t free_floor; /* bytes of the queue's file system that stay free */
	uint64_t idle_ms;    /* of a client that is not trusted */
};

enum { WORKERS = 16, WORKERS_MAX = 32 };

struct server {
	struct server_options opt;
	int epoll_fd;
	int listen_fd;
	int signal_fd;
	int wake_fd;               /* a datagram socket, not connected */
	int tmp_dir;               /* queue/tmp */
	int new_dirs[WORKERS_MAX]; /* queue/new, for each worker its own (why: draft.h) */
	size_t conns_max;

	struct ids ids;
	struct quota quota;
	struct sending sending;
	struct counts counts;
	struct syncer syncer;

	struct source listener;
	struct source signals;
	struct source finished;

	struct conn *conns; /* alive */
	struct conn *dead;  /* freed when no event of this round can name them */
	size_t nconns;
	int64_t now;       /* monotonic, of this round */
	int64_t accept_at; /* listening pauses until then, 0: it does not */
	int64_t tick_at;   /* silent clients are looked for then */
	int64_t end_at;    /* SIGTERM came: the end at the latest */
	int64_t look_at;   /* there is room until then */
	int committed;     /* qsend is to be woken */
};

/* Start the workers, which inherit the sandbox. */
__attribute__((warn_unused_result)) int server_start(struct server *s);

/* Until SIGTERM. 0, or -1 with errno. */
__attribute__((warn_unused_result)) int server_run(struct server *s);

/* Watch fd for events (0: not at all), by what was watched before. */
__attribute__((warn_unused_result)) int server_watch(struct server *s, int fd,
						     struct source *source, uint32_t old,
						     uint32_t events);

/* Why there may be no submission now: NULL, or a text. */
const char *server_refusal(struct server *s);

/* Why one that has begun cannot go on. */
const char *server_shortage(const struct server *s);

#endif
