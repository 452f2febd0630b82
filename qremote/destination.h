/* destination: what qrspawn groups jobs by, and what one qremote serves. */
#ifndef QREMOTE_DESTINATION_H
#define QREMOTE_DESTINATION_H

#include "qlimits.h"

struct job;

enum { DESTINATION_SIZE = LIMIT_ROUTE + 1 };
_Static_assert(LIMIT_ROUTE >= LIMIT_ADDRESS, "a domain fits too");

/* The route, or the recipients' domain in lower case. 0, or -1 with EINVAL: no route, and
 * a recipient without a domain or recipients of several. */
int destination_of(const struct job *j, char out[DESTINATION_SIZE]);

#endif
