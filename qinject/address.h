/* address: one mailbox of an address list, completed and checked, in kept form
 * (addr.h).
 * Errors: -1 and a fail() record (FAIL_ADDRESS, FAIL_LONG; hosts.h).
 */
#ifndef QUOIN_ADDRESS_H
#define QUOIN_ADDRESS_H

#include "alist822.h"
#include "qlimits.h"

int address_of(const char *p, const struct mailbox822 *m, char kept[LIMIT_ADDRESS + 1]);

/* A string that must hold exactly one address, perhaps in angle brackets with a name;
 * "" and "<>" give "". */
int address_single(const char *s, char kept[LIMIT_ADDRESS + 1]);

/* user and host (may be NULL), as the environment has them. */
int address_from_parts(const char *user, const char *host, char kept[LIMIT_ADDRESS + 1]);

/* No byte below 0x20 and no 0x7f: may stand in a line of ours. */
int is_one_line(const char *s);

#endif
