/* connect: a TCP connection to one address. */
#ifndef QREMOTE_CONNECT_H
#define QREMOTE_CONNECT_H

#include <stdint.h>

struct config;
struct target;

/* A non-blocking descriptor, or -1 with errno. From control/outgoingip where it names an
 * address of the family. */
int connect_to(const struct config *c, const struct target *t, int64_t deadline);

#endif
