/* warm: handshakes with ourselves in the starter, in memory: one with a key of the moment,
 * one as a session will make it, with a certificate but a signature that is none.
 *
 * What the library looks up at its first use is then in pages that all sessions share:
 * 20 KiB less for each, and not looked up again. That they fail does not matter.
 */
#ifndef QTLS_WARM_H
#define QTLS_WARM_H

#include <openssl/ssl.h>

void warm_up(void);

/* Of a server, when its certificates are there. */
void warm_up_server(SSL_CTX *ctx);

#endif
