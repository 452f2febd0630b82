/* config: qremote's control files, read once at start.
 *
 * Errors: -1 with control_error().
 */
#ifndef QREMOTE_CONFIG_H
#define QREMOTE_CONFIG_H

#include <netinet/in.h>
#include <stdint.h>

struct control_item;
struct ctlmap;

struct config {
	char *helo4; /* the name in EHLO: behind the address in control/outgoingip, */
	char *helo6; /* or control/helohost */
	int ipv4only;
	int64_t timeout_connect; /* ms */
	int64_t timeout_remote;
	struct in_addr source4; /* control/outgoingip; 0: the kernel's choice */
	struct in6_addr source6;
	struct control_item *mxfallback; /* domains, or NULL */
	struct control_item *ipv4first;  /* the same */
	struct ctlmap *tlspolicy;
	int has_qtls; /* this host is made for it */
};

int config_load(struct config *c);

#endif
