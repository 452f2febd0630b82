/* tcp: OpenSSL's way to the TCP connection.
 *
 * Never waits, and leaves the socket's flags alone: they are the caller's too, who has
 * yet to say his last plaintext line. No SIGPIPE.
 */
#ifndef QTLS_TCP_H
#define QTLS_TCP_H

#include <openssl/ssl.h>

/* Once, in the starter: -1 with OpenSSL's error queue. */
int tcp_prepare(void);

/* The socket stays the caller's to close. -1 with OpenSSL's error queue. */
int tcp_attach(SSL *ssl, int fd);

#endif
