/* dnsmsg: DNS messages (RFC 1035, EDNS0 of RFC 6891): writes a question, reads the
 * answer to it. No input or output here; dns.h has that.
 *
 * Names:  text without the final dot, "" for the root, at most 253 bytes. Labels hold
 *         printable ASCII; a byte that is no such (or is a dot or a backslash inside
 *         a label) is read as a backslash, so that a name with it equals nothing and
 *         dns_mx() and dns_name() refuse it.
 * Limits: LIMIT_DNSRECORDS records, LIMIT_CNAMES aliases; compression pointers only
 *         lead backwards. A message is read as a whole: what lies behind its last
 *         record makes it wrong.
 * Owner:  the caller; nothing is allocated.
 */
#ifndef QUOIN_DNSMSG_H
#define QUOIN_DNSMSG_H

#include <stddef.h>
#include <stdint.h>

#include "qlimits.h"

enum { DNS_A = 1, DNS_CNAME = 5, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28 };
enum { DNS_OPT = 41, DNS_TLSA = 52 };
enum { DNSMSG_MAX = 65535, DNSMSG_QUERYMAX = 12 + 255 + 4 + 11, DNSMSG_UDP = 1232 };

struct dns_record {
	uint32_t ttl;
	uint16_t offset; /* of the data, in msg */
	uint16_t len;
};

struct dns_answer {
	int nxdomain;                 /* with no records: there is no such name at all */
	int ad;                       /* validated, says a resolver that we believe */
	uint16_t type;                /* of the records */
	char owner[LIMIT_DOMAIN + 1]; /* behind the aliases */
	int alias;                    /* there were some */
	size_t count;
	struct dns_record record[LIMIT_DNSRECORDS];
	size_t len;
	uint8_t msg[DNSMSG_MAX];
};

/* A question, class IN, recursion desired; edns: with an OPT record, DO set. Its length,
 * or -1 with EINVAL: name can stand in no DNS message. */
int dnsmsg_query(uint8_t out[DNSMSG_QUERYMAX], uint16_t id, const char *name,
		 uint16_t type, int edns);

/* Is msg (n bytes) a reply to this query (of dnsmsg_query)? Anything else on the socket
 * is somebody's guess and is to be ignored. */
int dnsmsg_is_reply(const uint8_t *query, size_t qlen, const uint8_t *msg, size_t n);

/* Read a->msg (a->len bytes), a reply to the question for name and type: 1 records found,
 * 0 none (see nxdomain), -1 with errno:
 *	EMSGSIZE   truncated: ask by TCP
 *	EBADMSG    malformed
 *	ELOOP	   too many aliases
 *	EPROTO	   the server failed, refused or does not recurse: *rcode
 * a->ad is the message's AD bit. */
int dnsmsg_read(struct dns_answer *a, const char *name, uint16_t type, int *rcode);

/* Record i of an answer. 0, or -1 with EBADMSG: such a record is to be skipped. An MX
 * name of "" is the root: a null MX. */
int dns_mx(const struct dns_answer *a, size_t i, uint16_t *pref,
	   char name[LIMIT_DOMAIN + 1]);
int dns_name(const struct dns_answer *a, size_t i, char name[LIMIT_DOMAIN + 1]);
int dns_addr(const struct dns_answer *a, size_t i, uint8_t ip[16]); /* 4 or 16 bytes */

/* The strings of a TXT record, joined: *len bytes of any value; EMSGSIZE if over size. */
int dns_txt(const struct dns_answer *a, size_t i, char *out, size_t size, size_t *len);

/* Of a TLSA record (RFC 6698 2.1); data points into the answer. */
struct dns_tlsa {
	uint8_t usage, selector, mtype;
	const uint8_t *data;
	size_t len;
};
int dns_tlsa(const struct dns_answer *a, size_t i, struct dns_tlsa *t);

/* May a client of SMTP use it? Only usages 2 and 3 (RFC 7672 3.1.3), with a selector and
 * a matching type that are known, and data of that type's length. */
int dns_tlsa_is_usable(const struct dns_tlsa *t);

/* The bytes of a record of any type. */
const uint8_t *dns_data(const struct dns_answer *a, size_t i, size_t *len);

#endif
