/* keylink: a server starter's connection to qtls-key, and the certificates that it has
 * keys for.
 *
 * When the connection is lost, or a key comes for a certificate that lacked one, the
 * starter has to begin anew: keylink_tick() says so. One that serves clients has a
 * keylink that is idle.
 */
#ifndef QTLS_KEYLINK_H
#define QTLS_KEYLINK_H

#include <stddef.h>
#include <stdint.h>

enum {
	KEYLINK_WAIT_MS = 5000,   /* for qtls-key, at the start and when it is lost */
	KEYLINK_LIST_MS = 10000,  /* for its answer: it may be reading hundreds of keys */
	KEYLINK_AGAIN_MS = 200,   /* between tries to reach it */
	KEYLINK_LOOK_MS = 1000,   /* between looks for missing keys, */
	KEYLINK_LOOKS = 60,       /* so many; then */
	KEYLINK_SELDOM_MS = 60000 /* between further ones */
};

struct keylink {
	int used; /* servers */
	int fd;   /* -1: lost */
	size_t ncerts, nmissing;
	unsigned looks;
	int64_t next; /* what there is to do then, CLOCK_NEVER: nothing */
	int64_t lost_at;
};

/* Connect, and load the certificates. Without qtls-key there are none. */
void keylink_open(struct keylink *k);

/* For poll: how long at most until the next tick. */
int64_t keylink_next(const struct keylink *k);

/* Its descriptor has something to say, which can only be the end. */
void keylink_lost(struct keylink *k);

/* 1: begin anew. */
int keylink_tick(struct keylink *k);

/* May callers be accepted, or should they wait a little for qtls-key? */
int keylink_is_settled(const struct keylink *k);

/* A pair for a session; -1 with *why, one line, if there is none. */
int keylink_pair(struct keylink *k, const char **why);

#endif
