/* step: what the jailed half does for the other: each reads the message, and nothing
 * else does.
 *
 * Frames between the halves (SOCK_SEQPACKET), the first byte says what:
 *
 *	to the program half
 *	J index:u16 frame of localjob.h, with the queue file: carry this out
 *	A letter text NUL		the answer to a step (to C: with the copy)
 *
 *	from the program half
 *	M path NUL make:u8		deliver into this Maildir
 *	X path NUL			append to this mbox
 *	C				the message alone, as an unlinked file
 *	E bytes				a piece of an envelope (no answer)
 *	S me NUL, with a socket		submit the message under that envelope
 *	R letter text NUL		the delivery is over
 */
#ifndef QLOCAL_STEP_H
#define QLOCAL_STEP_H

#include <stddef.h>

#include "answer.h"
#include "delivery.h"
#include "maildir/deliver.h"
#include "sbuf.h"
#include "settings.h"

enum step_kind {
	STEP_JOB = 'J',
	STEP_ANSWER = 'A',
	STEP_MAILDIR = 'M',
	STEP_MBOX = 'X',
	STEP_COPY = 'C',
	STEP_ENVELOPE = 'E',
	STEP_SUBMIT = 'S',
	STEP_REPORT = 'R'
};

enum { STEP_FRAME = LIMIT_LOCALFRAME + 16 };

/* What the jailed half keeps between steps. */
struct stepper {
	int home;
	int lifeline;           /* its end of file: nobody waits for us any more */
	struct maildir maildir; /* kept open: path[0] is 0 until there is one */
	int root;               /* where its quota is, if it has one; -1: nowhere */
	int full_is_final;      /* control/overquota */
	struct sbuf envelope;
};

void stepper_init(struct stepper *s, int home, int lifeline, const struct settings *set);

void step_maildir(struct stepper *s, const struct delivery *d, const char *path, int make,
		  struct answer *a);
void step_mbox(const struct stepper *s, const struct delivery *d, const char *path,
	       struct answer *a);

/* Carry out a frame M, X, E, C or S (fd came with it; it is closed). 1: a is the
 * answer, with *copy a descriptor or -1; 0: none is due; -1: not a step. */
int step_do(struct stepper *s, const struct delivery *d, const char *frame, size_t n,
	    int fd, struct answer *a, int *copy);

#endif
