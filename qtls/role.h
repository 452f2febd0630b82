/* role: what makes a starter one for servers or one for clients.
 *
 * Owner:  the starter makes its role once; sessions inherit it by fork.
 */
#ifndef QTLS_ROLE_H
#define QTLS_ROLE_H

#include <openssl/ssl.h>

#include "tlsgate.h"

enum { TLS_CERTLIST = 65536 }; /* bytes of a peer's chain */

struct role {
	int server;
	SSL_CTX *ctx;

	/* In a session, before the handshake: what the request asks for. 1, or 0 with
	 * OpenSSL's error queue. May set what is known already (usable). */
	int (*begin)(SSL *ssl, const struct tls_want *w, struct tls_facts *f);

	/* After it: key, name, verified and why. */
	void (*judge)(SSL *ssl, const struct tls_want *w, struct tls_facts *f);
};

/* -1 with OpenSSL's error queue. */
int server_open(struct role *r);
int client_open(struct role *r);

/* When the certificates are loaded: the one for who asks for no name. */
void server_prepare_usual(struct role *r);

/* What both have in common: no old version, no tickets, no renegotiation. */
int role_settle(SSL_CTX *ctx);

/* The key of the peer's certificate, hex; "" if there is none. */
void role_peer_key(SSL *ssl, char key[2 * TLS_KEYLEN + 1]);

/* What OpenSSL last said went wrong, and an empty queue. */
const char *role_error(void);

#endif
