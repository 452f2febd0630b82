/* linger: the last words of a session arrive.
 *
 * Closing while input waits would make the kernel throw away what the client has not read
 * yet, the last reply with it. So the client hears that nothing more will come, and what it
 * has sent meanwhile is read and let go.
 * Call it when all was written, last of all: nothing of in can be used behind it.
 * Errors: none; a client that is gone has nothing to lose, nor has one behind a pipe.
 */
#ifndef QUOIN_LINGER_H
#define QUOIN_LINGER_H

enum {
	LINGER_QUIET_MS = 2000, /* who is silent for so long has nothing that waits */
	LINGER_MS = 10000,      /* in all: a stream may have no end */
	LINGER_TLS_MS = 5500,   /* a little more than qtls takes for it */
	LINGER_BYTES =
	    64 << 20, /* more than the kernel keeps for both ends of a connection */
};

/* in and out: the client's, mostly one socket. */
void linger(int in, int out);

/* Behind qtls it is qtls who waits for the client. This waits for qtls, for whom a listener
 * counts: who had no place here any more would have one there, and one address could have
 * them all. */
void linger_tls(int in, int out);

#endif
