/* session: POP3 behind the login (RFC 1939 5 and 6).
 */
#ifndef QPOP3D_SESSION_H
#define QPOP3D_SESSION_H

#include "drop.h"
#include "rbuf.h"

enum {
	SESSION_LINE = 512,       /* its end included; RFC 2449 4: 255 */
	SESSION_IN = 8192,        /* of pipelined commands */
	SESSION_IDLE_MS = 600000, /* RFC 1939 3: ten minutes at least */
	SESSION_ERRORS = 100
};

struct session {
	struct drop drop;
	struct obuf out;
	char in[SESSION_IN];
	size_t at, end;   /* what is not yet taken of it */
	int is_timed;     /* reading from the client ends after SESSION_IDLE_MS */
	const char *over; /* why it is: quit, lost, idle, … */
	unsigned errors;
	uint64_t bytes; /* of messages that were sent */
	size_t sent, deleted;
};

/* The greeting, commands, the last reply. */
void session_serve(struct session *s);

/* Instead of it all: -ERR and why, and what session_part() does. */
void session_refuse(struct session *s, const char *why);

/* Last of all: that reply arrives, whatever the client still says. */
void session_part(const struct session *s);

#endif
