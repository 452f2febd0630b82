/* watching: waits for the client, and tells meanwhile what others do (IDLE, NOTIFY).
 */
#ifndef QIMAPD_WATCHING_H
#define QIMAPD_WATCHING_H

#include <stdint.h>

enum {
	WATCHING_ALIVE =
	    240000, /* ms between two words of ours: NATs forget a silent connection */
	WATCHING_IDLE = 3600000 /* ms an IDLE may last */
};

/* 1: the client has spoken; 0: it was silent until then, or want_logout. idle: in IDLE, where everything may
 * be told; else as NOTIFY allows. */
int watching_wait(int idle, int64_t deadline);

/* The selected mailbox is another one, or none. */
void watching_left(void);

#endif
