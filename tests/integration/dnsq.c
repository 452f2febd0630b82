/* dnsq: one question through lib/dns, printed as `dig +short` does it, sorted by nobody.
 *
 *	dnsq DIR NAME TYPE	(DIR/control/dnsservers, dnstrusted)
 *	dnsq DIR -x ADDRESS	the name that leads back to it
 *
 * First line: found, nodata, nxdomain, invalid or "later: WHY"; " ad" if validated. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "control.h"
#include "dns.h"
#include "paths.h"
#include "prog.h"

static struct dns dns;
static struct dns_answer answer;

static uint16_t type_of(const char *word)
{
	static const struct {
		const char *word;
		uint16_t type;
	} types[] = {{"MX", DNS_MX},    {"A", DNS_A},     {"AAAA", DNS_AAAA},
		     {"TXT", DNS_TXT},  {"PTR", DNS_PTR}, {"CNAME", DNS_CNAME},
		     {"TLSA", DNS_TLSA}};

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(types[i].word, word) == 0)
			return types[i].type;
	die_msg(EXIT_PERM, "no type %s", word);
}

static void print_address(size_t i)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t ip[16];

	if (dns_addr(&answer, i, ip) == 0 &&
	    inet_ntop(answer.type == DNS_A ? AF_INET : AF_INET6, ip, text, sizeof text))
		puts(text);
}

static void print_name(size_t i)
{
	char name[LIMIT_DOMAIN + 1];
	uint16_t preference;

	if (answer.type == DNS_MX) {
		if (dns_mx(&answer, i, &preference, name) == 0)
			printf("%u %s.\n", preference, name);
	} else if (dns_name(&answer, i, name) == 0)
		printf("%s.\n", name);
}

static void print_bytes(size_t i)
{
	static char text[DNSMSG_MAX];
	size_t n;
	const uint8_t *p = dns_data(&answer, i, &n);

	if (answer.type == DNS_TXT && dns_txt(&answer, i, text, sizeof text, &n) == 0)
		printf("\"%.*s\"\n", (int)n, text);
	if (answer.type != DNS_TXT && n > 3) { /* TLSA */
		printf("%u %u %u ", p[0], p[1], p[2]);
		for (size_t k = 3; k < n; k++)
			printf("%02X", p[k]);
		puts("");
	}
}

static void print_record(size_t i)
{
	switch (answer.type) {
	case DNS_A:
	case DNS_AAAA:
		print_address(i);
		break;
	case DNS_MX:
	case DNS_PTR:
	case DNS_CNAME:
		print_name(i);
		break;
	default:
		print_bytes(i);
	}
}

static int say(int r)
{
	const char *ad = r != -1 && answer.ad ? " ad" : "";

	if (r == -1 && errno == EINVAL)
		puts("invalid");
	else if (r == -1)
		printf("later: %s\n", dns_error(&dns));
	else if (r == 1)
		printf("found%s\n", ad);
	else
		printf("%s%s\n", answer.nxdomain ? "nxdomain" : "nodata", ad);
	return r;
}

static void ask_name(const char *text)
{
	char name[LIMIT_DOMAIN + 1];
	uint8_t ip[16];
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

	if (inet_pton(family, text, ip) != 1)
		die_msg(EXIT_PERM, "no address: %s", text);
	if (say(dns_ptr(&dns, family, ip, 0, &answer, name, CLOCK_NEVER)) == 1)
		printf("%s.\n", name);
}

int main(int argc, char **argv)
{
	prog_init("dnsq");
	(void)signal(SIGPIPE, SIG_IGN);
	if (argc != 4)
		die_usage("dnsq DIR NAME TYPE / dnsq DIR -x ADDRESS");
	if (paths_under(argv[1]) == -1 || dns_init(&dns) == -1)
		die_msg(EXIT_PERM, "%s", control_error());
	if (strcmp(argv[2], "-x") == 0) {
		ask_name(argv[3]);
		return 0;
	}
	if (say(dns_query(&dns, argv[2], type_of(argv[3]), &answer, CLOCK_NEVER)) == 1)
		for (size_t i = 0; i < answer.count; i++)
			print_record(i);
	return 0;
}
