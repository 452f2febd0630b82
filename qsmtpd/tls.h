/* tls: asks qtls for TLS on the client's connection, before the greeting (port 465) or
 * at STARTTLS (RFC 3207).
 */
#ifndef QSMTPD_TLS_H
#define QSMTPD_TLS_H

struct session;

/* Does anybody serve TLS on this host? */
int tls_is_served(void);

/* TLS from the first byte on. 0, or -1: the session is over, nothing can be said. */
int tls_at_once(struct session *s);

#endif
