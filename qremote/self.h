/* self: is that us? Names and addresses that mail must not be sent to, as it would
 * come back.
 *
 * Names:     control/me, control/helohost, control/localiphost.
 * Addresses: those of the interfaces, and those in control/myaddresses, which a router
 *            translates to ours.
 * Errors:    -1 with control_error() or, where that is "", errno.
 */
#ifndef QREMOTE_SELF_H
#define QREMOTE_SELF_H

#include <stddef.h>
#include <stdint.h>

enum { SELF_NAMES = 3, SELF_ADDRESSES = 512 };

struct address {
	int family; /* AF_INET, AF_INET6 */
	uint8_t ip[16];
};

struct self {
	char *name[SELF_NAMES];
	size_t naddrs;
	struct address addr[SELF_ADDRESSES];
};

/* Uses netlink: before the sandbox. */
int self_load(struct self *s);

int self_is_name(const struct self *s, const char *host);

/* What an address that DNS or a recipient named is good for. */
enum place {
	PLACE_OK,
	PLACE_SELF,  /* ours, loopback, 0.0.0.0/8, :: */
	PLACE_NEVER, /* link-local, multicast, broadcast, reserved */
};
enum place self_place(const struct self *s, const struct address *a);

#endif
