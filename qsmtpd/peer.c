/* Who the client is, out of the environment that the server set. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

static int is_harmless(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (c != '\0' && strchr(".:_-[]", c) != NULL);
}

void peer_clean(char *out, size_t size, const char *in)
{
	size_t n = 0;

	for (; n < size - 1 && in[n] != '\0'; n++)
		out[n] = (char)(is_harmless((unsigned char)in[n]) ? in[n] : '?');
	out[n] = '\0';
}

static int is_address(const char *s)
{
	unsigned char ip[16];

	return inet_pton(AF_INET, s, ip) == 1 || inet_pton(AF_INET6, s, ip) == 1;
}

static void copy_or_unknown(char *out, size_t size, const char *value)
{
	peer_clean(out, size, value != NULL && value[0] != '\0' ? value : "unknown");
}

void peer_from_environment(struct peer *p)
{
	copy_or_unknown(p->ip, sizeof p->ip, getenv("TCPREMOTEIP"));
	copy_or_unknown(p->host, sizeof p->host, getenv("TCPREMOTEHOST"));
	p->ip_known = is_address(p->ip);
	p->local_ip = getenv("TCPLOCALIP");
	p->relay = getenv("RELAYCLIENT");
}
