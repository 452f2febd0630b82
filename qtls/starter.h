/* starter: accepts callers, asks the kernel who they are, and starts a session for each.
 *
 * It reads no byte from anybody but qtls-key's list of keys. When a session dies by a
 * signal it runs itself anew before it starts another: nobody gets a second try at one
 * layout of memory; at most once in STARTER_PAUSE_MS, and callers wait meanwhile. Without
 * a session for a while it becomes qtls-wait, where -w says so.
 */
#ifndef QTLS_STARTER_H
#define QTLS_STARTER_H

#include <stdint.h>

#include "crowd.h"
#include "doors.h"
#include "keylink.h"
#include "role.h"

enum { STARTER_PAUSE_MS = 1000, STARTER_SESSIONS = 1200, STARTER_SESSIONS_MAX = 10000 };

struct starter {
	struct doors doors;
	struct crowd crowd;
	struct role role;
	struct keylink keys;
	unsigned limit; /* sessions of one uid */
	int signals;
	/* to run itself anew: the words, and where -i's goes */
	const char *program;
	const char **argv;
	const char **place;
	const char
	    *waiter; /* what it becomes after idle_ms without a session; 0: never */
	int64_t idle_ms;
	int64_t idle_at;
	int64_t started;
	int64_t restart_at; /* CLOCK_NEVER */
	int64_t warned_at;
};

/* The signals that starter_serve() waits for; before anything is started. -1 with errno.
 */
int starter_prepare(struct starter *s);

_Noreturn void starter_serve(struct starter *s);

#endif
