/* send: gives a message to qqueue, and waits while the door is shut. With
 * control/nullclient it goes straight to the smart host (handon.h); qqueue, where it
 * runs, gets only what fails there.
 *
 * A try that finds nobody, is told "not now", or loses its connection is repeated with
 * growing pauses, until patience is used up. A connection that is lost behind the last
 * byte leaves it unknown whether qqueue has the message: it is sent again, since a
 * double can be borne and a loss cannot; to make doubles rare the answer is awaited
 * for SEND_ANSWER_S before the connection is given up.
 * Errors: -1 and a fail() record.
 */
#ifndef QUOIN_SEND_H
#define QUOIN_SEND_H

#include <stdint.h>

#include "mail.h"
#include "qid.h"

enum { SEND_IDLE_S = 60, SEND_ANSWER_S = 600 };

/* How long to try: seconds, asked for only when a first try has failed. */
typedef int64_t send_patience(void);

/* 300 s or control/sendmailwait; SEND_TERMINAL_S if a person sits there. */
send_patience send_patience_caller;
enum { SEND_TERMINAL_S = 10 };
int send_has_terminal(void);

/* 5 s: for those who ask again by themselves. */
send_patience send_patience_short;

/* said, when not NULL, is where the message is: "queued as ID", or the smart host's
 * words. -1: m->rcpts are those who did not get it, as far as it can be tried again. */
int send_mail(struct mail *m, send_patience *patience, const char **said);

#endif
