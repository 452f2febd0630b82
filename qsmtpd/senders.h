/* senders: which envelope senders a login may use. Its own address always: the login
 * itself where it is an address, else login@ one of this host's names (control/locals,
 * control/me); and what control/senders adds: "login:address @domain *". The null sender
 * is everybody's (RFC 5321 4.5.5: notes of delivery and reading).
 */
#ifndef QSMTPD_SENDERS_H
#define QSMTPD_SENDERS_H

#include "qlimits.h"

struct config;

/* 1 yes, 0 no, -1 the table cannot be read. */
int senders_may(struct config *c, const char *login, const char *sender);

/* The address that is the login's own. */
void senders_own(const struct config *c, const char *login, char out[LIMIT_ADDRESS + 1]);

#endif
