/* log: what qsend tells of messages, in Quoin's form or, with control/logstyle
 * qmail, in the lines of qmail-send, where N is the id's nanoseconds.
 *
 *	new id= bytes= from= uid= rcpts= [client= login=]
 *	start delivery= id= channel= to=
 *	delivery delivery= id= channel= to= result=K|Z|D ms= text=
 *	bounce id= as=		(as: the notification's id)
 *	discard id=		(a double bounce that failed)
 *	bad id= reason=
 *	end id= seconds=
 */
#ifndef QSEND_LOG_H
#define QSEND_LOG_H

#include <stdint.h>

#include "sched.h"

void log_style(int qmail);
void log_new(const struct msg *m);
void log_start(const struct sched *q, const struct channel *c, const struct msg *m,
	       uint32_t rcpt, uint64_t number);
void log_delivery(const struct sched *q, const struct channel *c, const struct msg *m,
		  uint32_t rcpt, const struct slot *s, uint64_t number, char letter,
		  const char *text);
/* "status: local 1/10 remote 0/20", of qmail's form alone */
void log_status(const struct sched *q);
void log_bounce(const struct msg *m, const char *as);
void log_discard(const struct msg *m);
void log_bad(const char *id, const char *why);
void log_end(const struct sched *q, const struct msg *m);

#endif
