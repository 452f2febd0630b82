#include "keyask.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cursor.h"
#include "fdio.h"
#include "usock.h"

int keyask_open(void)
{
	return usock_connect("tls-key", SOCK_SEQPACKET);
}

static int read_list(struct keyask_list *l, const uint8_t *frame, size_t n)
{
	struct cursor c;
	const char *ids;
	uint8_t letter;
	uint16_t count;

	cur_init(&c, frame, n);
	if (cur_u8(&c, &letter) == -1 || cur_u16(&c, &count) == -1 ||
	    cur_bytes(&c, (size_t)count * SIGN_KEYID, &ids) == -1 || cur_end(&c) == -1)
		return -1;
	if (letter != 'L' || count > SIGN_KEYS) {
		errno = EBADMSG;
		return -1;
	}
	l->n = count;
	memcpy(l->id, ids, (size_t)count * SIGN_KEYID);
	return 0;
}

int keyask_list(int fd, struct keyask_list *l, int64_t deadline)
{
	static uint8_t frame[SIGN_LIST];
	ssize_t n;

	if (usock_send(fd, "L", 1, -1) == -1 || fd_wait(fd, POLLIN, deadline) == -1)
		return -1;
	n = usock_recv(fd, frame, sizeof frame, NULL);
	if (n == 0)
		errno = ECONNRESET;
	return n <= 0 ? -1 : read_list(l, frame, (size_t)n);
}

int keyask_has(const struct keyask_list *l, const uint8_t id[SIGN_KEYID])
{
	for (size_t i = 0; i < l->n; i++)
		if (memcmp(l->id[i], id, SIGN_KEYID) == 0)
			return 1;
	return 0;
}

static void close_keeping_errno(int fd)
{
	int e = errno;

	(void)close(fd);
	errno = e;
}

int keyask_pair(int fd)
{
	int pair[2];
	int r;

	if (usock_pair(pair) == -1)
		return -1;
	r = usock_send(fd, "S", 1, pair[1]);
	close_keeping_errno(pair[1]);
	if (r == 0)
		return pair[0];
	close_keeping_errno(pair[0]);
	return -1;
}

/* ---- a session ---- */

static int ask(int pair, const struct sign_request *r)
{
	uint8_t frame[SIGN_REQUEST];
	size_t n;

	if (signing_put(frame, &n, r) == -1)
		return -1;
	return send(pair, frame, n, MSG_NOSIGNAL) == -1 ? -1 : 0;
}

static int refused(const uint8_t *answer, size_t n, enum sign_reason *reason)
{
	if (n != 2 || answer[0] != '-') {
		errno = EBADMSG;
		return -1;
	}
	if (reason != NULL)
		*reason = (enum sign_reason)answer[1];
	errno = EACCES;
	return -1;
}

static int read_answer(const uint8_t *answer, size_t n, uint8_t *sig, size_t *siglen,
		       enum sign_reason *reason)
{
	if (n < 2 || answer[0] != 'K')
		return refused(answer, n, reason);
	if (n - 1 > *siglen) {
		errno = EMSGSIZE;
		return -1;
	}
	*siglen = n - 1;
	memcpy(sig, answer + 1, n - 1);
	return 0;
}

int keyask_sign(int pair, const uint8_t id[SIGN_KEYID], uint16_t scheme,
		const uint8_t *text, size_t n, uint8_t *sig, size_t *siglen,
		enum sign_reason *reason, int64_t deadline)
{
	const struct sign_request r = {id, scheme, text, n};
	uint8_t answer[SIGN_ANSWER + 1];
	ssize_t got;

	if (ask(pair, &r) == -1 || fd_wait(pair, POLLIN, deadline) == -1)
		return -1;
	got = recv(pair, answer, sizeof answer, MSG_DONTWAIT);
	if (got == 0)
		errno = ECONNRESET;
	return got <= 0 ? -1 : read_answer(answer, (size_t)got, sig, siglen, reason);
}
