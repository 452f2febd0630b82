/* session: one TLS connection, in a process of its own. */
#ifndef QTLS_SESSION_H
#define QTLS_SESSION_H

#include <sys/types.h>

#include "role.h"

enum {
	SESSION_ASK_MS = 10000, /* for the request */
	SESSION_GO_MS = 330000, /* for go: the caller's last line may take its time */
	SESSION_SHAKE_MS = 600000
};

struct session_start {
	const struct role *role;
	int caller; /* the connection to it; nothing was read yet */
	int key;    /* the pair to qtls-key; -1: a client */
	uid_t uid;  /* the caller's */
};

/* In the new process, which has no other descriptors but 2. */
_Noreturn void session(const struct session_start *start);

#endif
