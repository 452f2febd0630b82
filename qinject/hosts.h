/* hosts: the names that complete addresses: defaulthost, defaultdomain, plusdomain
 * and idhost, each from the environment (QMAILDEFAULTHOST, ...), else its control
 * file, else control/me. Read when first needed, and once.
 *
 * Owner:  the strings live as long as the program.
 * Errors: NULL or -1, and a fail() record.
 */
#ifndef QUOIN_HOSTS_H
#define QUOIN_HOSTS_H

#include <stddef.h>

struct sbuf;

enum host { DEFAULTHOST, DEFAULTDOMAIN, PLUSDOMAIN, IDHOST, HOSTS };
const char *host_name(enum host h);

/* Append to out what the domain of an address has to be: with n > 0 the given one,
 * completed if it has no dot (".defaultdomain") or ends with a plus sign
 * (".plusdomain" in its place); with n == 0 defaulthost, completed likewise. */
int host_complete(struct sbuf *out, const char *domain, size_t n);

#endif
