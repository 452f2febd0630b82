/* received: our trace field (RFC 5321 4.4), with LF line ends.
 */
#ifndef QSMTPD_RECEIVED_H
#define QSMTPD_RECEIVED_H

#include <time.h>

#include "sbuf.h"

struct received {
	const char *helo, *host, *ip; /* made harmless (peer_clean) */
	const char *by;
	const char *with;         /* SMTP, ESMTP, ESMTPS, … (RFC 3848) */
	const char *tls, *cipher; /* of the connection; tls NULL: not encrypted */
	int hidden;               /* say nothing of the client */
	const char *id;
	const char *rcpt; /* the only recipient, kept form, or NULL */
	time_t when;
};

__attribute__((warn_unused_result)) int received_make(struct sbuf *b,
						      const struct received *r);

#endif
