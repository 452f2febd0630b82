/* relay: next hops, as control/smtproutes and control/nullclient name them.
 *
 *	text  = "" / group *("," group) / "error:" status " " words
 *	group = hop *("/" hop)
 *	hop   = host [":" [port]]		host: a name, an address, [an address]
 *
 * A final dot of a name is dropped. Groups are tried in their order, the hops of a group at random. "" is by the MX;
 * "error:" refuses mail, 4.x.x for now, 5.x.x for good. As the route of a job (job.h) it
 * is the same with " " before the port, and none for 25: "a.example 2525,b.example".
 */
#ifndef QUOIN_RELAY_H
#define QUOIN_RELAY_H

#include <stdint.h>

#include "qlimits.h"

enum { RELAY_PORT = 25 };

/* A control file's text to a route. -1 with EINVAL: it is none of these. */
int relay_parse(const char *text, char route[LIMIT_ROUTE + 1]);

/* Said behind file and line when relay_parse() says no. */
extern const char relay_usage[];

/* The words of a route "error:", status first, or NULL. */
const char *relay_error(const char *route);

struct relay_hop {
	unsigned group;
	uint16_t port;
	char host[LIMIT_DOMAIN + 1];
};

/* The next hop: start with *route at the route and *hop zero. 1, 0: no more, -1 with
 * EINVAL. */
int relay_next(const char **route, struct relay_hop *hop);

#endif
