/* submission: what a client has submitted so far goes into its draft, or the submission
 * fails: then nothing of it is kept, and conn.h's verdict and why are the answer that its
 * end will get. No socket is touched here.
 */
#ifndef QQUEUE_SUBMISSION_H
#define QQUEUE_SUBMISSION_H

#include <stddef.h>

struct conn;

/* A piece of the envelope, its end; a piece of the message. */
void submission_envelope(struct conn *c, const char *p, size_t n);
void submission_envelope_end(struct conn *c);
void submission_message(struct conn *c, const char *p, size_t n);

/* It could not be written: errno says why. */
void submission_unwritten(struct conn *c);

/* What its login is counted for stays (sent) or is given back. */
void submission_settle(struct conn *c, int sent);

/* Nothing of it is kept, and its user's limits have room again. */
void submission_drop(struct conn *c);

#endif
