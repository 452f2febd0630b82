/* policy: may this sender, may this recipient. No waiting, no files: it decides by
 * what config.h read (and by the open table morercpthosts.cdb).
 */
#ifndef QSMTPD_POLICY_H
#define QSMTPD_POLICY_H

#include "qlimits.h"
#include "replies.h"

struct config;
struct peer;

/* badmailfrom names this sender. */
int policy_is_bad_sender(const struct config *c, const char *sender);

/* Is a kept recipient (addr.h) taken? SAY_OK, SAY_RCPT_LATER or why not. The address may
 * be rewritten: a literal of ours gets localiphost, RELAYCLIENT is appended. */
enum reply policy_rcpt(struct config *c, const struct peer *p,
		       char rcpt[LIMIT_ADDRESS + 1], int routed);

#endif
