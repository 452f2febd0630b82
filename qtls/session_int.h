/* What the parts of a session share: one process, one of each. */
#ifndef QTLS_SESSION_INT_H
#define QTLS_SESSION_INT_H

#include <stdint.h>

#include "qlimits.h"
#include "relay.h"
#include "session.h"

struct session {
	const struct session_start *start;
	int caller;
	int tcp;
	int plain, theirs; /* the plaintext pair */
	SSL *ssl;
	struct tls_want want;
	struct tls_facts facts;
	struct relay_count bytes;
	int64_t began;
	int64_t deadline; /* of the handshake */
	size_t len;
	char frame[LIMIT_FRAME]; /* want points into it; last: its pages stay untouched */
};

extern struct session session_now;

/* session_end.c: one line in the log, and the end. */
_Noreturn void session_end(const char *result, const char *why);

/* The same, and the caller is told: a letter of lib/tlsgate.h. */
_Noreturn void session_refuse(char letter, const char *result, const char *text);

/* shake.c: before go, so that the caller hears what is wrong with his request. */
void shake_prepare(void);

/* After it: done when this returns, with the facts. */
void shake(void);

#endif
