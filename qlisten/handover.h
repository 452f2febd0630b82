/* handover: what a qlisten leaves to the one that takes its place in the same process:
 * the listening sockets, so that clients wait in their queues meanwhile, and who is
 * connected. It lies in a memory file whose descriptor is -i's argument:
 *
 *	file = "qlisten1" nfds:u32 nseats:u32 nfds*fd:i32 nseats*struct seat
 *
 * in the machine's own form. Children that were reaped in between are left out.
 */
#ifndef QLISTEN_HANDOVER_H
#define QLISTEN_HANDOVER_H

#include <stddef.h>

#include "serve.h"

struct seats;

struct handover {
	int fds[LISTENERS_MAX];
	size_t nfds;
};

/* The memory file, or -1 with errno. It and the sockets now outlive an exec. */
int handover_save(const struct options *o);

/* Undo that: the exec has failed. */
void handover_undo(const struct options *o, int fd);

/* Read and close fd; the seats go to s. -1 with errno: EBADMSG it is none. */
int handover_load(int fd, struct handover *h, struct seats *s);

/* The socket that listens there, or -1; it is then the caller's. */
int handover_take(struct handover *h, const char *address, const char *port);

/* Close what nobody took. */
void handover_close(struct handover *h);

#endif
