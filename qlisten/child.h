/* child: from an accepted connection to the running program.
 */
#ifndef QLISTEN_CHILD_H
#define QLISTEN_CHILD_H

#include <signal.h>
#include <sys/socket.h>
#include <sys/types.h>

struct options;

/* The process that serves fd, 0 when a rule refused, or -1 with errno. mask: the
 * signals that the program starts with. fd stays the caller's. */
pid_t child_start(const struct options *o, int fd, const struct sockaddr *remote,
		  const sigset_t *mask);

#endif
