/* start: everything up to the first byte of a client: files read, sandbox closed; as a
 * process of its own, or as one that a template forks (lib/template.h).
 */
#ifndef QSMTPD_START_H
#define QSMTPD_START_H

struct session;

/* cfg.submission and cfg.tls_at_once are there. template: the channel, or -1. Returns in a
 * session that is ready for session_serve(); ends the program if it cannot be started,
 * which the client hears, or when the listener has gone. */
void start(struct session *session, int template);

#endif
