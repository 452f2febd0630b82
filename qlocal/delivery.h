/* delivery: one message for one recipient of one user, as both halves of qlocal see it.
 *
 * Made from a frame of localjob.h by each half on its own; strings point into the
 * frame or into the delivery. Errors: -1 with EBADMSG (bytes that no address has).
 */
#ifndef QLOCAL_DELIVERY_H
#define QLOCAL_DELIVERY_H

#include <stdint.h>

#include "localjob.h"
#include "message.h"

enum { PREFIX_MAX = 5 * LIMIT_ADDRESS + 128 };

struct delivery {
	struct localjob l;
	size_t index;          /* of the recipient in the job */
	const char *recipient; /* of the envelope */
	const char *local;
	const char *host;                        /* "" if it has none */
	char to[2 * LIMIT_ADDRESS + 2];          /* local@host: RECIPIENT */
	char returnpath[2 * LIMIT_ADDRESS + 20]; /* whole lines, with their ends */
	char deliveredto[2 * LIMIT_ADDRESS + 20];
	char originalto[LIMIT_ADDRESS + 20]; /* "" if it says nothing new */
	char fromline[LIMIT_ADDRESS + 64];
	uint64_t birth_ns;
	struct message message;
};

/* index: which recipient of the job. fd: the queue file. */
int delivery_init(struct delivery *d, const char *frame, size_t n, size_t index, int fd);

#endif
