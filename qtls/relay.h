/* relay: carries bytes between a TLS connection and a plaintext socket, both ways, until
 * both are closed.
 *
 * One buffer a direction, filled only when it is empty: a side that does not read stops
 * the other. The end of one direction is passed on (close_notify as the end of file and
 * back), and the other goes on. When the caller is gone, what he has written is still
 * sent, as long as it moves (RELAY_STUCK_MS), and the peer has RELAY_LINGER_MS to close,
 * from our close_notify on: a caller that stays as long has no session behind him.
 */
#ifndef QTLS_RELAY_H
#define QTLS_RELAY_H

#include <stdint.h>

#include <openssl/ssl.h>

enum {
	RELAY_BUFFER = 16384, /* a record of TLS */
	RELAY_IDLE_MS = 1000,
	RELAY_LINGER_MS = 5000,
	RELAY_STUCK_MS = 30000,
	RELAY_GONE_MS = 300000
};

enum relay_end {
	RELAY_CLOSED, /* both have closed, or the caller has and the peer had its time */
	RELAY_LOST,   /* no close_notify: the connection broke */
	RELAY_STUCK   /* the peer did not take what was left */
};

struct relay_count {
	uint64_t in; /* bytes from the network */
	uint64_t out;
};

/* The handshake is done. */
enum relay_end relay(SSL *ssl, int tcp, int plain, struct relay_count *count);

#endif
