/* ask: the requests of lib/authask.h, from the connection to the answer.
 *
 *	OPEN      nothing was heard yet
 *	HELD      its client has failed before: it waits for its turn (throttle.h)
 *	QUEUED    it waits for a judge, QUEUE_MS at most; who failed least goes first
 *	JUDGED    a judge is at work. It ends its work when the caller has left, so that
 *		  nobody leaves a wrong password uncounted
 *	STARTING  the password was right, the server is being started
 *	OVER      answered
 */
#ifndef QAUTH_ASK_H
#define QAUTH_ASK_H

#include <stdint.h>

#include "authask.h"
#include "child.h"
#include "throttle.h"

enum {
	ASKS_MAX = 250,      /* at each door */
	SERVERS_RUN = 10000, /* control/sessions may say so */
	REQUEST_MS =
	    2000, /* for the frame of a connection: our programs send it at once */
	QUEUE_MS = 10000,
	START_MS = 20000 /* for a server: a home may hang */
};

struct door {
	const char *name; /* its directory in run/ */
	int is_login;     /* it has the session, and starts servers */
	int sock;
	unsigned n; /* requests */
};

struct ask {
	struct ask *next;
	struct door *door;
	enum { OPEN, HELD, QUEUED, JUDGED, STARTING, OVER } state;
	int fd;      /* -1: the caller has left */
	int session; /* -1 */
	int started; /* STARTING: the server's pipe */
	int64_t until;
	int has_waited; /* HELD for a pause, so that its turn is its own */
	struct throttle_key key;
	struct auth_want want; /* points into frame */
	char frame[LIMIT_AUTHFRAME];
};

extern struct ask *asks;

/* Whom the built-in judge runs as. */
void ask_init(const struct owner *judge);

/* A connection (ours now). */
void ask_new(struct door *d, int fd);

void ask_hear(struct ask *a);         /* its connection is readable */
void ask_hear_server(struct ask *a);  /* STARTING: so is the pipe */
void ask_hear_judge(struct child *c); /* so is its report */
void ask_reap(void);                  /* children have ended */

/* Time limits and turns; requests are freed here alone. When it must be called next. */
int64_t ask_tick(void);

#endif
