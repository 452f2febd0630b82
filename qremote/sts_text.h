/* sts_text: the two texts by which a domain publishes a policy (RFC 8461 3.1, 3.2).
 *
 * Bytes:  any; they come from the network. Nothing is allocated.
 * Errors: -1 with errno EBADMSG, *why says what is wrong (a constant, without foreign
 *	   bytes).
 */
#ifndef QREMOTE_STS_TEXT_H
#define QREMOTE_STS_TEXT_H

#include <stddef.h>

#include "sts_record.h"

/* A TXT record of _mta-sts.DOMAIN: 1 with its id; 0: it is about something else. */
int sts_text_txt(const char *p, size_t n, char id[LIMIT_STSID + 1], const char **why);

/* The policy file: sets mode, max_age and the hosts of *r. A max_age over the limit of
 * RFC 8461 3.2 is that limit; a policy with more than STS_MX hosts is refused, since a
 * part of it would forbid hosts that the whole allows. */
int sts_text_policy(const char *p, size_t n, struct sts_record *r, const char **why);

#endif
