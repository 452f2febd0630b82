/* quota: what the submissions of one uid may use at a time.
 *
 * Trusted uids (-t) and root have no limits here but the connections of all; all
 * others together get three quarters of these, so that a local user who holds his
 * connections never shuts out qsmtpd.
 * Errors: -1 or NULL with errno: EDQUOT (a limit is reached), ENOMEM.
 */
#ifndef QQUEUE_QUOTA_H
#define QQUEUE_QUOTA_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct quota_use {
	uint64_t conns;
	uint64_t bytes;     /* of submissions not answered yet */
	uint64_t envelopes; /* the part of them that is kept in memory */
};

struct account {
	struct account *next;
	uid_t uid;
	int trusted;
	struct quota_use use;
};

enum { QUOTA_TRUSTED_MAX = 32 };

struct quota {
	struct account *list; /* uids that are connected */
	uid_t trusted[QUOTA_TRUSTED_MAX];
	size_t ntrusted;
	struct quota_use limit; /* of one uid that is not trusted */
	uint64_t untrusted;     /* connections of all of them */
	uint64_t untrusted_max;
};

/* Before serving: trust uid. ENOSPC: too many. */
int quota_trust(struct quota *q, uid_t uid);

/* A connection more, a connection less. */
struct account *quota_enter(struct quota *q, uid_t uid);
void quota_leave(struct quota *q, struct account *a);

/* n bytes more; given back by subtracting from a->use. */
int quota_bytes(const struct quota *q, struct account *a, size_t n);
int quota_envelope(const struct quota *q, struct account *a, size_t n);

#endif
