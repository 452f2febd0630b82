#include "dest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "addr.h"
#include "clock.h"
#include "relay.h"
#include "rnd.h"

static struct dns_answer answer; /* 67 KB, used by one look-up at a time */

__attribute__((format(printf, 3, 4))) static void say(struct dest *d, char letter,
						      const char *fmt, ...)
{
	va_list ap;

	d->letter = letter;
	va_start(ap, fmt);
	(void)vsnprintf(d->text, sizeof d->text, fmt, ap);
	va_end(ap);
}

/* 4.4.3 is for us without a resolver: qsend then lets nothing expire. A server that
 * answers, if only with SERVFAIL, has trouble with this name. */
static void say_later(struct dest *d, const char *name)
{
	int answered = errno == EPROTO || errno == EBADMSG || errno == ELOOP;

	d->later = 1;
	d->silent |= !answered;
	say(d, 'Z', "unable to look up %s: %s (#%s)", name, dns_error(d->dns),
	    answered ? "4.4.0" : "4.4.3");
}

/* ---- addresses ---- */

/* What the look-ups of one host said: believed only if all of them are. */
struct looked {
	unsigned answers, secure;
	char owner[LIMIT_DOMAIN + 1];
};

static void add_target(struct dest *d, const char *host, uint16_t port,
		       const struct address *a, const struct looked *l)
{
	struct target *t = &d->targets[d->naddrs];

	if (d->naddrs == DEST_ADDRESSES ||
	    (a->family == AF_INET6 && (d->flags & DEST_IPV4_ONLY) != 0))
		return;
	(void)snprintf(t->host, sizeof t->host, "%s", host);
	t->secure = l != NULL && l->answers > 0 && l->answers == l->secure;
	(void)snprintf(t->base, sizeof t->base, "%s", l != NULL ? l->owner : host);
	t->addr = *a;
	t->port = port;
	if (inet_ntop(a->family, a->ip, t->ip, sizeof t->ip) != NULL)
		d->naddrs++;
}

/* A bare or bracketed address. */
static int is_address(const char *s, struct address *a)
{
	if (*s == '[')
		return addr_literal(s, &a->family, a->ip) == 0;
	a->family = AF_INET;
	if (inet_pton(AF_INET, s, a->ip) == 1)
		return 1;
	a->family = AF_INET6;
	return inet_pton(AF_INET6, s, a->ip) == 1;
}

/* The addresses of one type, shuffled: their count, or -1 for later. */
static int look_up(struct dest *d, const char *name, uint16_t type,
		   struct address found[LIMIT_DNSRECORDS], struct looked *l)
{
	int n = 0;
	int r = dns_query(d->dns, name, type, &answer, d->deadline);

	if (r == -1 && errno != EINVAL) {
		say_later(d, name);
		return -1;
	}
	if (r != -1) {
		l->answers++;
		l->secure += answer.ad != 0;
	}
	if (r == 1)
		(void)snprintf(l->owner, sizeof l->owner, "%s", answer.owner);
	for (size_t i = 0; r == 1 && i < answer.count; i++) {
		uint32_t k = rnd_below((uint32_t)n + 1);
		struct address a = {.family = type == DNS_A ? AF_INET : AF_INET6};

		if (dns_addr(&answer, i, a.ip) == -1)
			continue;
		found[n++] = found[k];
		found[k] = a;
	}
	return n;
}

/* What remains of an address list once we looked: ours cuts, the others are kept. */
static int is_usable(const struct dest *d, const struct address *a, int *self)
{
	enum place p = d->self != NULL ? self_place(d->self, a) : PLACE_OK;

	*self |= p == PLACE_SELF;
	return p == PLACE_OK;
}

/* Addresses i to end of a host to the targets, as far as they are usable. */
static void add_targets(struct dest *d, const struct dest_host *h, const struct looked *l,
			const struct address *a, int i, int end, int *self)
{
	for (; i < end; i++)
		if (is_usable(d, &a[i], self))
			add_target(d, h->name, h->port, &a[i], l);
}

/* In a route the tag of RFC 5321 4.1.3 may be missing: [2001:db8::1]. */
static int is_route_address(const char *host, struct address *a)
{
	char inner[LIMIT_DOMAIN + 1];
	size_t n = strlen(host);

	if (is_address(host, a))
		return 1;
	if (n < 2 || host[0] != '[' || host[n - 1] != ']')
		return 0;
	(void)snprintf(inner, sizeof inner, "%.*s", (int)(n - 2), host + 1);
	return is_address(inner, a);
}

/* Addresses of a host to the targets, IPv6 and IPv4 in turn. 1: it is ourselves. */
static int resolve(struct dest *d, const struct dest_host *h)
{
	static struct address six[LIMIT_DNSRECORDS];
	static struct address four[LIMIT_DNSRECORDS];
	struct looked l = {0};
	int n6 = 0;
	int n4;
	int self = 0;

	if (d->self != NULL && self_is_name(d->self, h->name))
		return 1;
	if (d->self == NULL && is_route_address(h->name, &four[0])) {
		add_target(d, h->name, h->port, &four[0], NULL);
		return 0;
	}
	if ((d->flags & DEST_IPV4_ONLY) == 0)
		n6 = look_up(d, h->name, DNS_AAAA, six, &l);
	n4 = look_up(d, h->name, DNS_A, four, &l);
	if (d->flags & DEST_IPV4_FIRST) {
		add_targets(d, h, &l, four, 0, n4, &self);
		add_targets(d, h, &l, six, 0, n6, &self);
		return self;
	}
	for (int i = 0; i < n6 || i < n4; i++) {
		add_targets(d, h, &l, six, i, i < n6 ? i + 1 : i, &self);
		add_targets(d, h, &l, four, i, i < n4 ? i + 1 : i, &self);
	}
	return self;
}

/* ---- hosts ---- */

static void add_host(struct dest *d, uint32_t preference, const char *name, uint16_t port)
{
	struct dest_host *h = &d->hosts[d->nhosts];

	if (d->nhosts == DEST_HOSTS)
		return;
	h->order = preference << 16 | rnd_below(65536);
	h->port = port;
	(void)snprintf(h->name, sizeof h->name, "%s", name);
	d->nhosts++;
}

static int by_order(const void *a, const void *b)
{
	const struct dest_host *x = a;
	const struct dest_host *y = b;

	return x->order < y->order ? -1 : x->order > y->order;
}

static void sort_hosts(struct dest *d)
{
	qsort(d->hosts, d->nhosts, sizeof d->hosts[0], by_order);
}

/* The hosts named in answer; a target that is an address would be asked for as a
 * name, and somebody might have registered it. */
static void take_mx(struct dest *d)
{
	for (size_t i = 0; i < answer.count; i++) {
		char name[LIMIT_DOMAIN + 1];
		struct address a;
		uint16_t preference;

		if (dns_mx(&answer, i, &preference, name) == 0 && name[0] != '\0' &&
		    !is_address(name, &a))
			add_host(d, preference, name, SMTP_PORT);
	}
	sort_hosts(d);
}

/* RFC 7505 3: the only record, and its host is the root. */
static int is_null_mx(void)
{
	char name[LIMIT_DOMAIN + 1];
	uint16_t preference;

	return answer.count == 1 && dns_mx(&answer, 0, &preference, name) == 0 &&
	       name[0] == '\0';
}

static void open_domain(struct dest *d, const char *domain)
{
	int r = dns_query(d->dns, domain, DNS_MX, &answer, d->deadline);

	d->secure = r != -1 && answer.ad;
	if (r != -1)
		(void)snprintf(d->owner, sizeof d->owner, "%s", answer.owner);
	if (r == -1 && errno == EINVAL)
		say(d, 'D', "%s cannot be the name of a domain (#5.1.2)", domain);
	else if (r == -1)
		say_later(d, domain);
	else if (r == 0 && answer.nxdomain)
		say(d, 'D', "there is no domain %s (#5.1.2)", domain);
	else if (r == 0) {
		d->implicit = 1;
		say(d, 'D', "the domain %s has neither MX nor address (#5.1.2)", domain);
		add_host(d, 0, domain, SMTP_PORT);
	} else if (is_null_mx())
		say(d, 'D', "the domain %s accepts no mail: null MX (#5.1.10)", domain);
	else {
		say(d, 'D', "no mail exchanger of %s has a usable address (#5.4.4)",
		    domain);
		take_mx(d);
	}
}

static void open_literal(struct dest *d, const char *domain)
{
	struct address a;
	int self = 0;

	say(d, 'D', "mail is not sent to the address %s (#5.1.2)", domain);
	if (is_address(domain, &a) && is_usable(d, &a, &self))
		add_target(d, domain, SMTP_PORT, &a, NULL);
}

static void open_route(struct dest *d, const char *route)
{
	const char *refusal = relay_error(route);
	struct relay_hop hop = {0};
	int r;

	if (refusal != NULL) {
		say(d, *refusal == '4' ? 'Z' : 'D', "%s", refusal);
		return;
	}
	say(d, 'Z', "no host of the route %s is known (#4.4.1)", route);
	d->self = NULL;
	d->secure = 1;
	while ((r = relay_next(&route, &hop)) == 1)
		add_host(d, hop.group, hop.host, hop.port);
	if (r == -1)
		d->nhosts = 0;
	sort_hosts(d);
}

void dest_open(struct dest *d, struct dns *dns, const struct self *self,
	       const char *domain, const char *route, unsigned flags)
{
	d->dns = dns;
	d->self = self;
	d->deadline = clock_mono_ms() + DNS_TIME;
	d->flags = flags;
	d->implicit = d->later = d->silent = d->given = d->secure = 0;
	d->owner[0] = '\0';
	d->nhosts = d->host = d->naddrs = d->addr = 0;
	d->fallback = NULL;
	if (*route != '\0')
		open_route(d, route);
	else if (*domain == '[')
		open_literal(d, domain);
	else
		open_domain(d, domain);
	if ((flags & DEST_FALLBACK) && d->nhosts > 0 && d->self != NULL && !d->implicit)
		d->fallback = domain;
}

/* We are in the list: what was not tried by now is not to be tried (RFC 5321 5.1). */
static void cut(struct dest *d, const char *name)
{
	d->naddrs = d->addr = 0;
	d->host = d->nhosts;
	d->fallback = NULL;
	if (!d->given && !d->later)
		say(d, 'D', "mail for it loops back to me: %s is this host (#5.4.6)",
		    name);
	else
		say(d, 'Z', "the better mail exchangers failed; %s is this host (#4.4.6)",
		    name);
}

/* All hosts of the next preference. */
static void next_group(struct dest *d)
{
	uint32_t preference = d->hosts[d->host].order >> 16;

	d->naddrs = d->addr = 0;
	d->deadline = clock_mono_ms() + DNS_TIME;
	for (; d->host < d->nhosts && d->hosts[d->host].order >> 16 == preference;
	     d->host++)
		if (resolve(d, &d->hosts[d->host])) {
			cut(d, d->hosts[d->host].name);
			return;
		}
}

int dest_next(struct dest *d, struct target *t)
{
	while (d->addr == d->naddrs) {
		if (d->host < d->nhosts)
			next_group(d);
		else if (d->fallback != NULL) {
			struct dest_host last = {.port = SMTP_PORT};

			(void)snprintf(last.name, sizeof last.name, "%s", d->fallback);
			d->fallback = NULL;
			d->naddrs = d->addr = 0;
			d->deadline = clock_mono_ms() + DNS_TIME;
			if (resolve(d, &last))
				d->naddrs = 0;
		} else
			return 0;
	}
	d->given = 1;
	*t = d->targets[d->addr++];
	return 1;
}
