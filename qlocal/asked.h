/* asked: what its sender has asked of notifications (RFC 3461), on the way through a
 * forward: what goes along, and who tells of success.
 *
 *	one address, and nothing else	all goes along; success is told behind it
 *					(5.2.7.2)
 *	several				NOTIFY without SUCCESS; here it is "expanded"
 *					(5.2.7.3)
 *	a mailbox or program as well	the same; here it is "delivered"
 *	a list with an owner		nothing: the message has a new sender (5.2.7.1)
 *
 * Without NOTIFY failures alone are asked for: a warning of delay is for those who have
 * submitted a message, and behind a forward nobody knows that.
 */
#ifndef QLOCAL_ASKED_H
#define QLOCAL_ASKED_H

#include "job.h"
#include "qlimits.h"

struct sbuf;

struct asked {
	const char *envid; /* "" for none */
	const char *ret;   /* F, H or "" */
	unsigned notify;
	char orcpt[LIMIT_ORCPT + 1]; /* "" for none */
};

/* Of a recipient of a job; is_list: the forward has another sender. */
void asked_of_job(struct asked *a, const struct job *j, size_t index, int is_list);

/* Of the environment that qlocal gives to programs, which progenv.h writes. */
void asked_of_environment(struct asked *a);

/* The fields behind F, and those of a recipient. -1: no memory. */
__attribute__((warn_unused_result)) int asked_put_sender(const struct asked *a,
							 struct sbuf *env);
__attribute__((warn_unused_result)) int asked_put_rcpt(const struct asked *a,
						       int is_single, const char *address,
						       struct sbuf *env);

#endif
