/* dns: a stub resolver of our own, as neither libc's says which server answered, nor
 * tells "no such name" from "ask later" reliably.
 *
 *	dns_init(&d)				before the sandbox: reads files
 *	dns_query(&d, name, DNS_MX, &a, deadline)	after it: sockets only
 *	for (i = 0; i < a.count; i++) dns_mx(&a, i, &pref, host) ...   (dnsmsg.h)
 *
 * Servers: control/dnsservers ("address" or "address port" a line), else the
 * nameserver lines of /etc/resolv.conf, else 127.0.0.1; the first LIMIT_DNSSERVERS. They
 * must recurse. `search` and `options` are not for mail. A DNSSEC answer (a.ad) is
 * believed from loopback and from the addresses in control/dnstrusted; where one of these
 * fails, those that are not believed are not asked instead.
 * Aliases: followed in the answer, and where a server leaves that to us by a question of our
 * own, LIMIT_CNAMES times.
 * Asking: a new connected UDP socket for each question, with a port of the kernel's choice
 * and a random id; TCP when the answer was truncated; 30 s at most, several rounds over the
 * servers.
 * Owner:  the caller has struct dns (some KB) and struct dns_answer (67 KB: make it
 *         static). Nothing is allocated or kept open; a struct dns serves one thread.
 * Calls for a sandbox: socket (AF_INET, AF_INET6), connect, poll, read, write, close,
 *         getsockopt, clock_gettime, getrandom. SIGPIPE must be ignored.
 */
#ifndef QUOIN_DNS_H
#define QUOIN_DNS_H

#include <netinet/in.h>
#include <stdint.h>

#include "dnsmsg.h"
#include "qlimits.h"

enum { DNS_TIME = 30000 }; /* ms for one question */

struct dns_server {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} addr;
	int trusted;
	int plain;                       /* it does not know EDNS */
	char text[INET6_ADDRSTRLEN + 8]; /* "192.0.2.1", "192.0.2.1 5300" */
};

struct dns {
	size_t nservers;
	struct dns_server server[LIMIT_DNSSERVERS];
	char error[128];
};

/* -1 with errno: a control file is unreadable or wrong (control_error()). */
__attribute__((warn_unused_result)) int dns_init(struct dns *d);

/* 1: records in *a; 0: certainly none (a->nxdomain: and no such name); -1: with EINVAL,
 * name can be no name in DNS (permanent, too); with any other errno: ask again later,
 * dns_error() says why. deadline: of clock_mono_ms(), CLOCK_NEVER for the 30 s alone. */
__attribute__((warn_unused_result)) int dns_query(struct dns *d, const char *name,
						  uint16_t type, struct dns_answer *a,
						  int64_t deadline);

/* The name of an address (PTR), for UCSPI's TCPREMOTEHOST: the first one that leads back
 * to the address; with anyname set the first one at all. 1, 0 or -1 like dns_query(). */
__attribute__((warn_unused_result)) int dns_ptr(struct dns *d, int family,
						const uint8_t ip[16], int anyname,
						struct dns_answer *a, char *name,
						int64_t deadline);

/* 1.2.0.192.in-addr.arpa, …ip6.arpa */
void dns_reverse(int family, const uint8_t ip[16], char name[LIMIT_DOMAIN + 1]);

/* One line about the last -1: "127.0.0.1 answered SERVFAIL". */
const char *dns_error(const struct dns *d);

#endif
