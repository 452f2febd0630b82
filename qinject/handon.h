/* handon: hands a message straight to the smart host that control/nullclient names,
 * without any daemon: qremote is run as the caller, in its own sandbox, and gets jobs
 * as from qrspawn (remotejob.h), the message as a file without a name.
 *
 * Errors: -1 and a fail() record.
 */
#ifndef QUOIN_HANDON_H
#define QUOIN_HANDON_H

#include "mail.h"
#include "qid.h"

/* control/nullclient as a route (relay.h): 1; 0 there is none, or the logins at next hops
 * (control/smtpauth) are not the caller's to read; -1. */
int handon_route(char route[LIMIT_ROUTE + 1]);

/* Static storage, zero at first. */
struct handon {
	struct rcpts list[2]; /* those to be tried again, by turns */
	struct rcpts *left;
	unsigned refused;                          /* for good, over all tries */
	char why[LIMIT_ADDRESS + LIMIT_TEXT + 80]; /* the first of these */
	char text[LIMIT_TEXT + 1]; /* what was said to the last one that was taken */
};

/* One try with all of m->rcpts; id gets the message's. 0: all are decided. -1: m->rcpts
 * are those who are not. */
int handon_try(struct handon *h, struct mail *m, const char *route, char id[QID_LEN + 1]);

#endif
