/* queue_put: a message of another queue comes into this one, held: steps 1 and 2 of
 * queue_take.c. */
#ifndef QUOIN_QUEUE_PUT_H
#define QUOIN_QUEUE_PUT_H

#include "queue_file.h"
#include "queue_ours.h"

struct put {
	const struct ours *q;
	struct like msg, journal; /* owner and mode of files there */
};

/* Ends the program when it cannot. q is lent. */
void put_init(struct put *p, const struct ours *q);

/* Is the message id of the open file in q? */
enum put_look { PUT_NOT, PUT_SAME, PUT_OTHER, PUT_DAMAGED };
enum put_look put_look(const struct ours *q, const char *id, int theirs);

/* 0, or -1 with errno (EBADMSG: it changes while it is read). */
int put_held(const struct put *p, const char *id, int fd, const struct history *h);

#endif
