#include "self.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "addr.h"
#include "control.h"

static void add(struct self *s, int family, const void *ip)
{
	struct address *a = &s->addr[s->naddrs];

	if (s->naddrs == SELF_ADDRESSES)
		return;
	memset(a, 0, sizeof *a);
	a->family = family;
	memcpy(a->ip, ip, family == AF_INET ? 4 : 16);
	s->naddrs++;
}

static int add_interfaces(struct self *s)
{
	struct ifaddrs *all;

	if (getifaddrs(&all) == -1)
		return -1;
	for (struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			add(s, AF_INET, &((struct sockaddr_in *)i->ifa_addr)->sin_addr);
		else if (i->ifa_addr->sa_family == AF_INET6)
			add(s, AF_INET6,
			    &((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr);
	}
	freeifaddrs(all);
	return 0;
}

static int add_listed(struct self *s)
{
	struct control_item *list;
	int r = control_list("myaddresses", &list);
	uint8_t ip[16];

	if (r == -1)
		return -1;
	for (size_t i = 0; r == 1 && list[i].text != NULL; i++) {
		if (inet_pton(AF_INET, list[i].text, ip) == 1)
			add(s, AF_INET, ip);
		else if (inet_pton(AF_INET6, list[i].text, ip) == 1)
			add(s, AF_INET6, ip);
		else
			r = control_wrong("myaddresses", list[i].line, "not an address");
	}
	control_free_list(list);
	return r;
}

int self_load(struct self *s)
{
	memset(s, 0, sizeof *s);
	if (control_line("me", &s->name[0]) == -1 ||
	    control_line("helohost", &s->name[1]) == -1 ||
	    control_line("localiphost", &s->name[2]) == -1)
		return -1;
	if (add_listed(s) == -1)
		return -1;
	return add_interfaces(s);
}

int self_is_name(const struct self *s, const char *host)
{
	for (size_t i = 0; i < SELF_NAMES; i++)
		if (s->name[i] != NULL && domain_equal(s->name[i], host))
			return 1;
	return 0;
}

static enum place place4(const uint8_t *ip)
{
	if (ip[0] == 127 || ip[0] == 0)
		return PLACE_SELF;
	if (ip[0] >= 224 || (ip[0] == 169 && ip[1] == 254))
		return PLACE_NEVER;
	return PLACE_OK;
}

static enum place place6(const uint8_t *ip)
{
	struct in6_addr a;

	memcpy(&a, ip, sizeof a);
	if (IN6_IS_ADDR_LOOPBACK(&a) || IN6_IS_ADDR_UNSPECIFIED(&a))
		return PLACE_SELF;
	if (IN6_IS_ADDR_LINKLOCAL(&a) || IN6_IS_ADDR_MULTICAST(&a) ||
	    IN6_IS_ADDR_SITELOCAL(&a) || IN6_IS_ADDR_V4COMPAT(&a))
		return PLACE_NEVER;
	return PLACE_OK;
}

/* ::ffff:192.0.2.1 goes where 192.0.2.1 goes. */
static struct address unmapped(const struct address *a)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
	struct address four = {.family = AF_INET};

	if (a->family != AF_INET6 || memcmp(a->ip, prefix, sizeof prefix) != 0)
		return *a;
	memcpy(four.ip, a->ip + 12, 4);
	return four;
}

enum place self_place(const struct self *s, const struct address *a)
{
	struct address u = unmapped(a);
	enum place p = u.family == AF_INET ? place4(u.ip) : place6(u.ip);

	if (p != PLACE_OK)
		return p;
	for (size_t i = 0; i < s->naddrs; i++)
		if (s->addr[i].family == u.family &&
		    memcmp(s->addr[i].ip, u.ip, u.family == AF_INET ? 4 : 16) == 0)
			return PLACE_SELF;
	return PLACE_OK;
}
