/* inject: what sendmail, its SMTP speaker and qinject do alike with a message that has
 * been read: complete its header, find its envelope.
 *
 * Owner:  a static variable (it is large); injection_clear() to reuse.
 * Errors: -1 and a fail() record.
 */
#ifndef QUOIN_INJECT_H
#define QUOIN_INJECT_H

#include "complete.h"
#include "message.h"
#include "rcpts.h"
#include "send.h"

struct injection {
	struct rcpts rcpts; /* may be filled beforehand */
	struct message message;
	struct completed done;
	char envid[LIMIT_ENVID + 1]; /* of notifications (RFC 3461); "" for none */
	char ret;                    /* F, H or 0 */
	struct mail mail;            /* for send_mail(); points into the others */
};

void injection_init(struct injection *i);
void injection_clear(struct injection *i);
int injection_complete(struct injection *i, const struct wish *w);

#endif
