/* dest: the hosts that take mail for a destination, in the order to try them
 * (RFC 5321 5.1): by preference, random among equals, each host's addresses, IPv6 and
 * IPv4 in turn, or all IPv4 first. Looked up as far as they are needed, one preference
 * at a time.
 *
 *	dest_open(&d, ...)		the MX records
 *	while (dest_next(&d, &t))	an address to try
 *	d.letter, d.text		when dest_next() never gave one: why
 *
 * Rules for what DNS or a recipient says: a host that is ourselves cuts its preference
 * and all that are worse; nobody connects to loopback, link-local or multicast addresses;
 * an MX that looks like an address is passed over; a null MX (RFC 7505) refuses mail. A
 * host that a route names is meant, whatever it is; its groups are preferences.
 * Owner: static storage (it is large); nothing is allocated.
 */
#ifndef QREMOTE_DEST_H
#define QREMOTE_DEST_H

#include <stddef.h>
#include <stdint.h>

#include "dns.h"
#include "qlimits.h"
#include "self.h"

enum { DEST_HOSTS = LIMIT_DNSRECORDS + 1, DEST_ADDRESSES = 100, SMTP_PORT = 25 };

enum {
	DEST_FALLBACK = 1,   /* the domain itself is the last host behind its MX */
	DEST_IPV4_FIRST = 2, /* of each host, IPv6 last */
	DEST_IPV4_ONLY = 4,  /* IPv6 is neither asked for nor tried */
};

struct target {
	char host[LIMIT_DOMAIN + 1]; /* a name, or the address once more */
	char base[LIMIT_DOMAIN + 1]; /* behind its aliases: where TLSA records are */
	int secure;                  /* DNS vouches for its addresses */
	struct address addr;
	uint16_t port;
	char ip[46]; /* as text */
};

struct dest_host {
	uint32_t order; /* preference and a random tail */
	uint16_t port;
	char name[LIMIT_DOMAIN + 1];
};

struct dest {
	struct dns *dns;
	const struct self *self; /* NULL: a route; anything goes */
	int64_t deadline;
	unsigned flags;
	int implicit; /* the domain stands for its MX */
	int secure; /* the MX, or its absence, is vouched for; or a route names the hosts
		     */
	char owner[LIMIT_DOMAIN + 1]; /* the domain behind its aliases */
	const char *fallback;
	size_t nhosts, host; /* host[0..nhosts), the next to look up */
	struct dest_host hosts[DEST_HOSTS];
	size_t naddrs, addr;
	struct target targets[DEST_ADDRESSES];
	int given;  /* a target, at least one */
	int later;  /* a look-up failed for now */
	int silent; /* no resolver answered */
	char letter;
	char text[LIMIT_TEXT + 1];
};

/* domain: of the recipients, a name or a literal; route: next hops (relay.h), "" for the
 * domain's MX; flags: DEST_... */
void dest_open(struct dest *d, struct dns *dns, const struct self *self,
	       const char *domain, const char *route, unsigned flags);

/* 1 and a target, or 0: there are no more. */
int dest_next(struct dest *d, struct target *t);

#endif
