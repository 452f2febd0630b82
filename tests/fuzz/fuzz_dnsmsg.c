/* A DNS answer from anybody: read as each type, every record looked at. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dnsmsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct dns_answer *a)
{
	char name[LIMIT_DOMAIN + 1];
	char text[512];
	uint8_t ip[16];
	struct dns_tlsa tlsa;
	uint16_t pref;
	size_t len;

	for (size_t i = 0; i < a->count; i++) {
		(void)dns_mx(a, i, &pref, name);
		(void)dns_name(a, i, name);
		(void)dns_addr(a, i, ip);
		(void)dns_txt(a, i, text, sizeof text, &len);
		if (dns_tlsa(a, i, &tlsa) == 0 && tlsa.data + tlsa.len > a->msg + a->len)
			abort();
		if (dns_data(a, i, &len) + len > a->msg + a->len)
			abort();
	}
}

/* A block that ends with the message. Not inlined: the compiler would see that it is
 * smaller than the type. */
__attribute__((noinline)) static struct dns_answer *exact(const uint8_t *data,
							  size_t size)
{
	struct dns_answer *a = malloc(offsetof(struct dns_answer, msg) + size);

	if (a == NULL)
		abort();
	memcpy(a->msg, data, size);
	a->len = size;
	return a;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t types[] = {DNS_MX,  DNS_A,     DNS_AAAA, DNS_PTR,
					 DNS_TXT, DNS_CNAME, DNS_TLSA};
	struct dns_answer *a;
	uint8_t query[DNSMSG_QUERYMAX];
	int qlen = dnsmsg_query(query, 0x1234, "a.test", DNS_MX, 1);
	int rcode;

	if (size > DNSMSG_MAX)
		return 0;
	(void)dnsmsg_is_reply(query, (size_t)qlen, data, size);
	a = exact(data, size);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (dnsmsg_read(a, "a.test", types[i], &rcode) == 1)
			look_at(a);
	free(a);
	return 0;
}
