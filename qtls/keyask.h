/* keyask: asks qtls-key (signing.h), the sides of the starter and of a session.
 *
 * starter	fd = keyask_open()
 *		keyask_list(fd, &list, deadline)	once: which keys are there
 *		pair = keyask_pair(fd)			for each session, before its fork
 * session	closes fd, keeps its pair
 *		keyask_sign(pair, id, ...)		once, by provider_hook
 *
 * A session must not have fd: whoever has it can make pairs, one signature each. The
 * keys that were listed on a connection, at any time, can be used over its pairs as long
 * as it lasts, and over each pair as long as that lasts, whatever is read anew meanwhile.
 * So a starter begins anew (connect, list) with each set of certificates. A SIGHUP that
 * qtls-key got before the list was asked for is done first.
 * Owner:  descriptors are the caller's, close-on-exec. Nothing is allocated.
 * Errors: -1 with errno. ENOENT, ECONNREFUSED, EPIPE, ECONNRESET: qtls-key is away, open
 *         anew. EAGAIN (pair): it is busy. ETIMEDOUT. EBADMSG: no answer of ours.
 * Calls of keyask_sign: sendto, recvfrom, poll, clock_gettime.
 */
#ifndef QTLS_KEYASK_H
#define QTLS_KEYASK_H

#include <stddef.h>
#include <stdint.h>

#include "signing.h"

struct keyask_list {
	size_t n;
	uint8_t id[SIGN_KEYS][SIGN_KEYID];
};

int keyask_open(void);
int keyask_list(int fd, struct keyask_list *l, int64_t deadline);
int keyask_has(const struct keyask_list *l, const uint8_t id[SIGN_KEYID]);

/* The session's end. */
int keyask_pair(int fd);

/* sig has room for *siglen bytes; then *siglen is the signature's length. EACCES: it was
 * refused, *reason (NULL: not wanted) says why. */
int keyask_sign(int pair, const uint8_t id[SIGN_KEYID], uint16_t scheme,
		const uint8_t *text, size_t n, uint8_t *sig, size_t *siglen,
		enum sign_reason *reason, int64_t deadline);

#endif
