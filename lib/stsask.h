/* stsask: asks qsts for the MTA-STS policy of a domain (RFC 8461); the caller's side.
 *
 * SOCK_SEQPACKET over run/qsts/sock, one request at a time on a connection.
 *
 *	request = domain NUL
 *	answer  = "N"					no policy is published
 *	        / ("E" / "T") id NUL count:u8 count*(mx NUL)	enforce, testing
 *	        / "Z" text NUL				not known now: a policy may exist
 *
 * mx: "mail.example" or "*.example", lower case. "Z" is said only when a cached policy
 * that would have been enforced cannot be read, or qsts itself fails; a fetch that fails
 * where nothing is cached is "N" (RFC 8461 3.3, 5), as is mode "none". A host without
 * qsts (no run/qsts/sock) has "N" for all.
 */
#ifndef QUOIN_STSASK_H
#define QUOIN_STSASK_H

#include <stddef.h>
#include <stdint.h>

#include "qlimits.h"

enum { STS_MX = 32, STS_TIME = 75000, LIMIT_STSID = 32, LIMIT_STSFRAME = 12288 };
enum { LIMIT_STSDOMAIN = 240, LIMIT_STSLABEL = 63 }; /* _mta-sts. goes in front */

struct sts_policy {
	char mode; /* N E T Z */
	const char *id;
	const char *text;
	size_t nmx;
	const char *mx[STS_MX];
	char frame[LIMIT_STSFRAME]; /* what the pointers point into */
};

/* 0 with *p (mode Z included), or -1 with errno: qsts is away (and did not come back in
 * 5 s), or takes longer than the deadline or STS_TIME. */
int stsask(const char *domain, struct sts_policy *p, int64_t deadline);

/* Is the host one of the policy's (RFC 8461 4.1)? */
int sts_has_mx(const struct sts_policy *p, const char *host);

/* For qsts and the fuzz targets. */
int sts_is_id(const char *s, size_t n);
int sts_is_domain(const char *s);
int sts_is_mx(const char *s);
int sts_answer_put(char frame[LIMIT_STSFRAME], size_t *n, const struct sts_policy *p);
int sts_answer_get(struct sts_policy *p, size_t n); /* of p->frame */

#endif
