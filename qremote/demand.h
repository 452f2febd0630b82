/* demand: what this host must prove before it gets the mail of this job: gathers what
 * secure.h decides about, and makes the request to qtls of it.
 *
 * Asks for TLSA records only where the MX and the address are secure (RFC 7672 2.2.1),
 * and for the MTA-STS policy only where nothing else has decided.
 * Owner: static storage (it is large); what demand_of() gives lives until the next call.
 */
#ifndef QREMOTE_DEMAND_H
#define QREMOTE_DEMAND_H

#include "dest.h"
#include "job.h"
#include "tlspolicy.h"
#include "secure.h"
#include "stsask.h"
#include "tlsgate.h"

enum { SMTPS_PORT = 465 }; /* TLS from the first byte (RFC 8314 3.3) */

struct demand {
	enum action action;
	const char *why;               /* secure.h */
	const struct job_login *login; /* NULL: none */
	int testing;                   /* would be ACT_NAME if its policy were enforced */
	int unlisted;                  /* then it would be passed over */
	struct tls_want want;
};

struct demands {
	struct dns *dns;
	const struct ctlmap *rules;
	const struct job *job;
	const struct dest *dest;
	const char *domain;
	int64_t deadline;
	/* of the last host */
	char host[LIMIT_DOMAIN + 1];
	uint16_t port;
	char base[LIMIT_DOMAIN + 1]; /* where its TLSA records are */
	struct tlspolicy policy;
	struct demand demand;
	/* of the domain */
	int sts_asked;
	struct sts_policy sts;
};

/* A new job, to hosts of d, which dest_open() has opened for domain. */
void demand_begin(struct demands *ds, struct dns *dns, const struct ctlmap *rules,
		  const struct job *job, const struct dest *d, const char *domain,
		  int64_t deadline);

const struct demand *demand_of(struct demands *ds, const struct target *t);

#endif
