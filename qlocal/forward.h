/* forward: hands a message back to qqueue for other recipients.
 *
 * The program half connects (forward_connect) and the jailed half, which alone reads
 * the message, speaks (forward_submit).
 */
#ifndef QLOCAL_FORWARD_H
#define QLOCAL_FORWARD_H

#include "answer.h"
#include "delivery.h"
#include "sbuf.h"

/* A connection to qqueue, -1 with a after 5 s without one. lifeline: give up earlier
 * when it is at its end. */
int forward_connect(int lifeline, struct answer *a);

/* Submit d's message under envelope (fields F and T of qfile.h). Closes fd. DONE with
 * "qp ID" as text, or a's letter is qqueue's. */
void forward_submit(int fd, const struct sbuf *envelope, const struct delivery *d,
		    const char *me, struct answer *a);

#endif
