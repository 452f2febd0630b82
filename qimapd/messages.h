/* messages: which messages of the open mailbox a command names.
 *
 *	messages_read(c, &ms)	SP and the set, as numbers or, behind UID, as uids; -1: that is none (BAD)
 *	... the rest of the command's words ...
 *	messages_find(c, &ms)	the ordinals; -1: the command has got its answer
 *	messages_free(&ms)	whatever happened after messages_read()
 *
 * Numbers beyond the last are BAD, uids that nobody has are passed over (RFC 9051 6.4.9).
 */
#ifndef QIMAPD_MESSAGES_H
#define QIMAPD_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#include "session.h"

struct messages {
	struct set set;
	uint32_t *at; /* ordinals, ascending */
	size_t n;
};

int messages_read(struct command *c, struct messages *ms);
int messages_find(struct command *c, struct messages *ms);
void messages_free(struct messages *ms);

/* What "*" means: the highest uid, or the number of the last message; 0 if there is none. */
uint32_t messages_last(int by_uid);

/* \Recent (RFC 3501 2.3.2): moved out of new/ by this session; one that only reads sees what nobody has
 * moved yet. */
int message_is_recent(const struct msg *m);

/* The code of an OK for a command that came too late for some of its messages, or "". */
const char *messages_issued(const struct messages *ms);

#endif
