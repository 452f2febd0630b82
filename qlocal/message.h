/* message: the bytes of one message in its queue file, checked on their way.
 *
 * Only the jailed half of qlocal calls this. Reads go by offset, so that nothing
 * depends on where the descriptor stands.
 */
#ifndef QLOCAL_MESSAGE_H
#define QLOCAL_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "answer.h"
#include "head.h"

struct message {
	int fd;
	uint64_t offset;
	uint64_t len;
	const uint8_t *sum; /* SUM_LEN bytes */
};

/* Pass the whole message to sink, without Return-Path fields: 0, or -1 with a: CORRUPT
 * when its bytes are not those that were promised; NEVER when it names the recipient
 * `to` in a Delivered-To already; LATER when it cannot be read or sink failed. What the
 * sink got must then be taken back. */
int message_copy(const struct message *m, const char *to, message_sink *sink, void *arg,
		 struct answer *a);

/* Only the loop check: reads the header. 0, or -1 with a. */
int message_check_loop(const struct message *m, const char *to, struct answer *a);

#endif
