/* serve: accepts, judges and starts; ends with SIGTERM, after its children; with SIGHUP
 * becomes the command that takes over from it (handover.h).
 */
#ifndef QLISTEN_SERVE_H
#define QLISTEN_SERVE_H

#include <stddef.h>

struct seats;

enum { LISTENERS_MAX = 16 };

struct options {
	int fds[LISTENERS_MAX];
	size_t nfds;
	struct seats *seats;
	const char *rules;      /* path of the table, or NULL */
	const char *local_host; /* or NULL */
	const char *sorry; /* what a client hears for whom there is no seat, or NULL */
	int look_up;       /* TCPREMOTEHOST, in the child */
	int template;      /* the program is one (lib/template.h) */
	const char *successor; /* started with -i FD in our place, or NULL */
	char **program;
};

/* Blocks the signals it waits for: a descriptor, or -1. Before the sandbox. */
int serve_prepare(void);

int serve(struct options *o);

#endif
