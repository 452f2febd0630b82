/* submit: the client's side of a submission to qqueue.
 *
 * The protocol (ARCHITECTURE.md, "Submission"): on connect and after each answer
 * qqueue offers the id of the next submission or says why there is none. A
 * connection carries one submission after another.
 *
 *	submit_open(&s, deadline)	  connect and read the first offer
 *	s.id				  the id, for Received and the reply
 *	submit_envelope(&s, env, n)	  fields of qfile.h without U
 *	submit_data(&s, p, n) ...	  message bytes, LF line ends
 *	submit_push(&s)			  what is there is sent, if there will be a pause
 *	submit_commit(&s, &answer)	  K, Z or D and a text; then the next offer
 *
 * A small envelope is copied and goes with the first message bytes that are sent: a small
 * message is one call, and wakes qqueue once.
 *
 * Owner:    submit_close() after a submit_open(), whatever happened between;
 *	     closing before the commit leaves nothing behind. Nothing is lent.
 * Errors:   -1 with errno; ECONNREFUSED and ENOENT: nobody serves; EAGAIN: qqueue
 *	     says not now, the reason is in s.text; EPIPE, ETIMEDOUT, EBADMSG: the
 *	     connection is dead, and closed when it was writing that failed: all calls
 *	     fail then. Before submit_commit() that means: nothing was accepted; EPIPE of
 *	     submit_envelope(): open another one and go on there, qqueue is being
 *	     restarted. If submit_commit() gives -1 nobody knows. EMSGSIZE
 *	     (submit_envelope): over LIMIT_ENVELOPE, nothing was sent.
 * Calls:    no SIGPIPE; poll, read, sendmsg (submit_open: socket, connect too).
 * Deadline: of clock_mono_ms(), for all waiting until the next submit_deadline().
 */
#ifndef QUOIN_SUBMIT_H
#define QUOIN_SUBMIT_H

#include <stddef.h>
#include <stdint.h>

#include "netstr.h"
#include "qid.h"
#include "qlimits.h"

enum { SUBMIT_SMALL = 1024 /* bytes of an envelope that waits for the message */ };

struct submit {
	int fd;
	int64_t deadline;
	char id[QID_LEN + 1];      /* of the submission that comes next */
	char text[LIMIT_TEXT + 1]; /* reason or answer, printable */
	struct netstr_reader in;
	size_t env_len; /* 0: none waits */
	char env[SUBMIT_SMALL];
	size_t fill;
	char buf[LIMIT_CHUNK]; /* message bytes until a netstring is full */
};

/* Connect to paths.run/qqueue. */
__attribute__((warn_unused_result)) int submit_open(struct submit *s, int64_t deadline);

/* The same over a descriptor that is connected already (the sandbox is closed). It
 * becomes s's. */
__attribute__((warn_unused_result)) int submit_open_fd(struct submit *s, int fd,
						       int64_t deadline);

void submit_deadline(struct submit *s, int64_t deadline);

__attribute__((warn_unused_result)) int submit_envelope(struct submit *s, const char *env,
							size_t n);
__attribute__((warn_unused_result)) int submit_data(struct submit *s, const void *p,
						    size_t n);

/* qqueue must not take a submission that has begun for an idle client. */
__attribute__((warn_unused_result)) int submit_push(struct submit *s);

/* *answer is 'K', 'Z' or 'D', and s->text the rest. 0 also when the next offer then
 * was a refusal (s->id is then ""); -1 when no answer came. */
__attribute__((warn_unused_result)) int submit_commit(struct submit *s, char *answer);

void submit_close(struct submit *s);

#endif
