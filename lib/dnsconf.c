/* Which servers lib/dns asks: read once, before the sandbox. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "control.h"
#include "dns.h"
#include "num.h"

enum { DNS_PORT = 53, RESOLV_MAX = 1024 };

static int parse_ip4(struct dns_server *s, const char *text)
{
	s->addr.in.sin_family = AF_INET;
	return inet_pton(AF_INET, text, &s->addr.in.sin_addr);
}

/* With a scope behind % for link-local servers. */
static int parse_ip6(struct dns_server *s, const char *text)
{
	char ip[INET6_ADDRSTRLEN];
	size_t n = strcspn(text, "%");

	if (n >= sizeof ip)
		return 0;
	memcpy(ip, text, n);
	ip[n] = '\0';
	s->addr.in6.sin6_family = AF_INET6;
	if (text[n] == '%')
		s->addr.in6.sin6_scope_id = if_nametoindex(text + n + 1);
	return inet_pton(AF_INET6, ip, &s->addr.in6.sin6_addr);
}

static int is_loopback(const struct dns_server *s)
{
	if (s->addr.sa.sa_family == AF_INET)
		return ntohl(s->addr.in.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&s->addr.in6.sin6_addr);
}

/* "address" or "address port". */
static int parse_server(struct dns_server *s, const char *line)
{
	char ip[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
	size_t n = strcspn(line, " \t");
	const char *rest = line + n + strspn(line + n, " \t");
	uint64_t port = DNS_PORT;

	if (n >= sizeof ip || (*rest != '\0' && num_parse(rest, 65535, &port) == -1))
		return -1;
	memcpy(ip, line, n);
	ip[n] = '\0';
	memset(s, 0, sizeof *s);
	if (parse_ip4(s, ip) != 1) {
		memset(s, 0, sizeof *s);
		if (parse_ip6(s, ip) != 1)
			return -1;
	}
	/* sin6_port lies where sin_port does. */
	s->addr.in.sin_port = htons((uint16_t)port);
	s->trusted = is_loopback(s);
	(void)snprintf(s->text, sizeof s->text, "%.*s", (int)sizeof s->text - 1, line);
	return 0;
}

static int add(struct dns *d, const char *line)
{
	if (d->nservers == LIMIT_DNSSERVERS)
		return 0;
	if (parse_server(&d->server[d->nservers], line) == -1)
		return -1;
	d->nservers++;
	return 0;
}

static int from_control(struct dns *d)
{
	struct control_item *list;
	int r = control_list("dnsservers", &list);

	if (r == -1)
		return -1;
	for (size_t i = 0; r == 1 && list[i].text != NULL; i++)
		if (add(d, list[i].text) == -1)
			r = control_wrong("dnsservers", list[i].line,
					  "not an address and a port");
	control_free_list(list);
	return r;
}

/* resolv.conf(5). A line that we cannot read is left out, as libc does it. */
static void from_resolv_conf(struct dns *d)
{
	static const char word[] = "nameserver";
	FILE *f = fopen("/etc/resolv.conf", "re");
	char line[RESOLV_MAX];

	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		char *p = line + sizeof word - 1;

		if (strncmp(line, word, sizeof word - 1) != 0 ||
		    (*p != ' ' && *p != '\t'))
			continue;
		p += strspn(p, " \t");
		p[strcspn(p, " \t\r\n")] = '\0';
		(void)add(d, p);
	}
	if (f != NULL)
		(void)fclose(f);
}

static int same_address(const struct dns_server *a, const struct dns_server *b)
{
	if (a->addr.sa.sa_family != b->addr.sa.sa_family)
		return 0;
	if (a->addr.sa.sa_family == AF_INET)
		return a->addr.in.sin_addr.s_addr == b->addr.in.sin_addr.s_addr;
	return memcmp(&a->addr.in6.sin6_addr, &b->addr.in6.sin6_addr, 16) == 0;
}

static int mark_trusted(struct dns *d)
{
	struct control_item *list;
	struct dns_server one;
	int r = control_list("dnstrusted", &list);

	if (r == -1)
		return -1;
	for (size_t i = 0; r == 1 && list[i].text != NULL; i++) {
		if (parse_server(&one, list[i].text) == -1) {
			r = control_wrong("dnstrusted", list[i].line, "not an address");
			break;
		}
		for (size_t k = 0; k < d->nservers; k++)
			d->server[k].trusted |= same_address(&d->server[k], &one);
	}
	control_free_list(list);
	return r;
}

int dns_init(struct dns *d)
{
	int r;

	memset(d, 0, sizeof *d);
	r = from_control(d);
	if (r == 0)
		from_resolv_conf(d);
	if (d->nservers == 0)
		(void)add(d, "127.0.0.1");
	return r == -1 ? -1 : mark_trusted(d) == -1 ? -1 : 0;
}
