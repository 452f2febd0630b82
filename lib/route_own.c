/* The addresses of this host, for domain literals. */
#include "route_int.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"

enum { OWN_MAX = 256 };

static struct own {
	int family;
	unsigned char ip[16];
} own[OWN_MAX];
static size_t count;
static int loaded;

static void add(const struct sockaddr *a)
{
	const struct sockaddr_in *in = (const void *)a;
	const struct sockaddr_in6 *in6 = (const void *)a;

	if (a == NULL || count == OWN_MAX)
		return;
	if (a->sa_family == AF_INET)
		memcpy(own[count].ip, &in->sin_addr, 4);
	else if (a->sa_family == AF_INET6)
		memcpy(own[count].ip, &in6->sin6_addr, 16);
	else
		return;
	own[count++].family = a->sa_family;
}

int route_own_load(void)
{
	struct ifaddrs *list;

	if (loaded)
		return 0;
	if (getifaddrs(&list) == -1)
		return -1;
	for (struct ifaddrs *i = list; i != NULL; i = i->ifa_next)
		add(i->ifa_addr);
	freeifaddrs(list);
	loaded = 1;
	return 0;
}

/* 127.0.0.0/8 is ours as a whole, whatever the interface says. */
static int is_loopback(int family, const unsigned char *ip)
{
	return family == AF_INET && ip[0] == 127;
}

int route_own_literal(const char *domain)
{
	unsigned char ip[16];
	int family;

	if (domain[0] != '[' || addr_literal(domain, &family, ip) == -1)
		return 0;
	if (is_loopback(family, ip))
		return 1;
	for (size_t i = 0; i < count; i++)
		if (own[i].family == family &&
		    memcmp(own[i].ip, ip, family == AF_INET ? 4 : 16) == 0)
			return 1;
	return 0;
}
