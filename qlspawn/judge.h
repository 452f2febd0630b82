/* judge: would we deliver to this address? What qrcpt answers, apart from its sockets.
 *
 * "-" only when it surely is not: a local domain, no user, no alias, and no dot-file of
 * `alias`. Extensions of a user that exists are accepted, because nobody but the user
 * may look into his home. A domain that is not ours is not judged ("+").
 */
#ifndef QUOIN_JUDGE_H
#define QUOIN_JUDGE_H

#include "pwask.h"
#include "qlimits.h"
#include "route.h"

struct verdict {
	char letter; /* '+' '-' 'Z' */
	char text[LIMIT_TEXT + 1];
	char
	    room[LIMIT_ADDRESS + 1]; /* the local part whose mailbox may be full, or "" */
};

/* 0 and *v, or -1: q waits for a name; call again when it is settled. */
int judge(const struct route *r, const char *rcpt, struct question *q, struct verdict *v);

#endif
