/* secure: what security a delivery demands: the decision, as a table.
 *
 * ARCHITECTURE.md has the same table in words. What is found about a host goes in, what
 * is to be done comes out; there is no look-up here (demand.h has these).
 */
#ifndef QREMOTE_SECURE_H
#define QREMOTE_SECURE_H

#include "tlspolicy.h"

enum tlsa {
	TLSA_NONE,     /* none; or the MX, the address or the answer is not secure */
	TLSA_USABLE,   /* secure, at least one that can be used */
	TLSA_UNUSABLE, /* secure, but none of them can */
	TLSA_FAILED    /* no answer, where there may be some; or too large for us */
};

enum sts {
	STS_NONE,
	STS_TESTING,
	STS_LISTED, /* enforced, and the host is one of the policy's */
	STS_UNLISTED,
	STS_UNKNOWN
};

enum action {
	ACT_CLEAR,   /* no TLS */
	ACT_MAY,     /* if it is offered, in clear if it fails */
	ACT_ENCRYPT, /* whoever it is */
	ACT_NAME,    /* verified by the CAs and a name */
	ACT_PIN,     /* by its key */
	ACT_DANE,    /* by a TLSA record */
	ACT_SKIP     /* not this host, at this attempt */
};

struct findings {
	enum rule rule;
	enum tlsa tlsa;
	enum sts sts;
	int login; /* it is to be told a password */
};

struct decision {
	enum action action;
	const char *why; /* ACT_SKIP: what is wrong; else who demands it */
};

struct decision secure_decide(const struct findings *f);

#endif
