/* log: what qsend tells of messages, in Quoin's form or, with control/logstyle
 * qmail, in the lines of qmail-send, where N is the id's nanoseconds.
 *
 *	begin messages=		(qsend has started: numbers of deliveries begin anew)
 *	new id= bytes= from= uid= rcpts= [client= login=]
 *	start delivery= id= rcpt= channel= to=
 *	delivery delivery= id= rcpt= channel= to= result=K|Z|D ms= text=
 *	bounce id= as=		(as: the notification's id)
 *	warn id= as=		(the same, of a warning of delay)
 *	discard id=		(a double bounce that failed)
 *	bad id= reason=
 *	gone id=		(somebody has removed its file)
 *	end id= seconds=
 *
 * rcpt: the recipient's place in the envelope, from 0. What ends a recipient is told
 * before it is written to the journal, and what ends a message before or right after its
 * file goes (ARCHITECTURE.md, "What the logs prove").
 */
#ifndef QSEND_LOG_H
#define QSEND_LOG_H

#include <stdint.h>

#include "sched.h"

/* One attempt at one recipient. */
struct delivery {
	uint64_t number;
	int64_t start; /* mono_ms */
};

/* How often each was told since the start: what metrics say is what the log says. */
struct log_counts {
	uint64_t started; /* seconds since 1970 */
	uint64_t accepted;
	uint64_t bytes;
	uint64_t ended;
	uint64_t notifications;
	uint64_t removed; /* by the keeper */
	uint64_t bad;
	struct {
		uint64_t delivered;
		uint64_t failed;
		uint64_t deferred;
		uint32_t last; /* when a delivery began or ended (mono) */
	} ch[CHANNELS];
};
extern struct log_counts log_counts;

void log_style(int qmail);
void log_begin(const struct sched *q);
void log_new(const struct msg *m);
void log_start(const struct sched *q, const struct channel *c, const struct msg *m,
	       uint32_t rcpt, uint64_t number);
void log_delivery(const struct sched *q, const struct channel *c, const struct msg *m,
		  uint32_t rcpt, const struct delivery *d, char letter, const char *text);
/* "status: local 1/10 remote 0/20", of qmail's form alone */
void log_status(const struct sched *q);
void log_bounce(const struct msg *m, const char *as);
void log_warn(const char *id, const char *as);
void log_discard(const struct msg *m);
void log_bad(const char *id, const char *why);
void log_gone(const char *id);
void log_end(const struct sched *q, const struct msg *m);

#endif
