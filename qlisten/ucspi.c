#include "ucspi.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static void set_ip4(struct endpoint *e, const void *ip)
{
	(void)inet_ntop(AF_INET, ip, e->ip, sizeof e->ip);
	(void)snprintf(e->ip6, sizeof e->ip6, "::ffff:%.15s", e->ip);
	e->is_ip6 = 0;
}

void endpoint_set(struct endpoint *e, const struct sockaddr *sa)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;
	in_port_t port = sa->sa_family == AF_INET ? in->sin_port : in6->sin6_port;

	(void)snprintf(e->port, sizeof e->port, "%u", ntohs(port));
	if (sa->sa_family == AF_INET) {
		set_ip4(e, &in->sin_addr);
	} else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		set_ip4(e, in6->sin6_addr.s6_addr + 12);
	} else {
		(void)inet_ntop(AF_INET6, &in6->sin6_addr, e->ip, sizeof e->ip);
		memcpy(e->ip6, e->ip, sizeof e->ip6);
		e->is_ip6 = 1;
	}
}

static int is_ours(const char *var)
{
	return strncmp(var, "PROTO=", 6) == 0 || strncmp(var, "TCPLOCAL", 8) == 0 ||
	       strncmp(var, "TCPREMOTE", 9) == 0 || strncmp(var, "TCP6LOCAL", 9) == 0 ||
	       strncmp(var, "TCP6REMOTE", 10) == 0;
}

void ucspi_init(struct ucspi *u, char **environment)
{
	u->nvars = 0;
	u->used = 0;
	for (; *environment != NULL && u->nvars < UCSPI_VARS; environment++)
		if (!is_ours(*environment))
			u->vars[u->nvars++] = *environment;
	u->vars[u->nvars] = NULL;
}

static int put(struct ucspi *u, char *var, size_t name_len)
{
	size_t i = 0;

	while (i < u->nvars && strncmp(u->vars[i], var, name_len + 1) != 0)
		i++;
	if (i == UCSPI_VARS)
		return -1;
	u->vars[i] = var;
	if (i == u->nvars)
		u->vars[++u->nvars] = NULL;
	return 0;
}

static int set(struct ucspi *u, const char *name, const char *value)
{
	char *var = u->text + u->used;
	size_t room = sizeof u->text - u->used;
	int n = snprintf(var, room, "%s=%s", name, value);

	if (n < 0 || (size_t)n >= room)
		return -1;
	u->used += (size_t)n + 1;
	return put(u, var, strlen(name));
}

int ucspi_put(struct ucspi *u, const char *var)
{
	size_t n = strlen(var) + 1;
	char *copy = u->text + u->used;

	if (n > sizeof u->text - u->used)
		return -1;
	memcpy(copy, var, n);
	u->used += n;
	return put(u, copy, strcspn(copy, "="));
}

/* TCPxNAME and TCP6xNAME; a NULL value is not set. */
static int pair(struct ucspi *u, const char *name, const char *value, const char *value6)
{
	char full[32];

	if (value == NULL)
		return 0;
	(void)snprintf(full, sizeof full, "TCP%s", name);
	if (set(u, full, value) == -1)
		return -1;
	(void)snprintf(full, sizeof full, "TCP6%s", name);
	return set(u, full, value6);
}

int ucspi_connection(struct ucspi *u, const struct endpoint *local,
		     const char *local_host, const struct endpoint *remote,
		     const char *remote_host)
{
	if (set(u, "PROTO", remote->is_ip6 ? "TCP6" : "TCP") == -1 ||
	    pair(u, "LOCALIP", local->ip, local->ip6) == -1 ||
	    pair(u, "LOCALPORT", local->port, local->port) == -1 ||
	    pair(u, "LOCALHOST", local_host, local_host) == -1 ||
	    pair(u, "REMOTEIP", remote->ip, remote->ip6) == -1 ||
	    pair(u, "REMOTEPORT", remote->port, remote->port) == -1)
		return -1;
	return pair(u, "REMOTEHOST", remote_host, remote_host);
}
