#include "keydoor.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "keys.h"
#include "prog.h"
#include "qlog.h"
#include "sign.h"
#include "usock.h"

/* Bounds of one round, so that a starter in a hurry does not keep its sessions waiting.
 */
enum { FRAMES_A_ROUND = 64 };

static struct starter {
	int fd;         /* -1: free */
	uint64_t since; /* of its first list; until then of its coming */
	int has_list;
} starters[DOOR_STARTERS];

/* In the order in which they came. */
static struct pair {
	int fd; /* -1: done, and to be taken out */
	uint64_t since;
	int64_t until;
} pairs[SIGN_OPEN];
static size_t npairs;

void keydoor_init(void)
{
	for (size_t i = 0; i < DOOR_STARTERS; i++)
		starters[i].fd = -1;
}

/* ---- who is done ---- */

static void close_pair(struct pair *p)
{
	(void)close(p->fd);
	p->fd = -1;
}

static void close_starter(struct starter *s)
{
	(void)close(s->fd);
	s->fd = -1;
}

static void sweep(void)
{
	const int64_t now = clock_mono_ms();
	size_t n = 0;

	for (size_t i = 0; i < npairs; i++) {
		if (pairs[i].fd != -1 && pairs[i].until <= now)
			close_pair(&pairs[i]);
		if (pairs[i].fd != -1)
			pairs[n++] = pairs[i];
	}
	npairs = n;
}

/* Keys that only they could use who are gone. */
static void forget(void)
{
	uint64_t oldest = keys_generation();

	for (size_t i = 0; i < DOOR_STARTERS; i++)
		if (starters[i].fd != -1 && starters[i].since < oldest)
			oldest = starters[i].since;
	for (size_t i = 0; i < npairs; i++)
		if (pairs[i].since < oldest)
			oldest = pairs[i].since;
	keys_forget(oldest);
}

/* ---- a session ---- */

static const char *const reasons[] = {
    [SIGN_BAD_REQUEST] = "no request", [SIGN_BAD_TEXT] = "no handshake's text",
    [SIGN_NO_KEY] = "no such key",     [SIGN_BAD_SCHEME] = "not a scheme of the key",
    [SIGN_FAILED] = "signing failed",
};

static void refuse(int fd, int reason, size_t bytes)
{
	const uint8_t answer[2] = {'-', (uint8_t)reason};
	struct qlog l;

	qlog_begin(&l, "refuse");
	qlog_str(&l, "reason", reasons[reason]);
	qlog_num(&l, "bytes", bytes);
	qlog_end(&l);
	(void)usock_send(fd, answer, sizeof answer, -1);
}

static int make(const struct pair *p, const uint8_t *frame, size_t n, uint8_t *sig,
		size_t *siglen)
{
	struct sign_request r;
	EVP_PKEY *key;

	if (signing_get(&r, frame, n) == -1)
		return SIGN_BAD_REQUEST;
	key = keys_find(r.id, p->since);
	return key == NULL ? SIGN_NO_KEY : sign_make(key, &r, sig, siglen);
}

/* Its one request, or it left. */
static void hear_pair(struct pair *p)
{
	uint8_t frame[SIGN_REQUEST];
	uint8_t answer[SIGN_ANSWER];
	ssize_t n = usock_recv(p->fd, frame, sizeof frame, NULL);
	size_t len = 0;
	int reason;

	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n == 0 || (n == -1 && errno != EMSGSIZE && errno != EBADMSG)) {
		close_pair(p);
		return;
	}
	reason = make(p, frame, n > 0 ? (size_t)n : 0, answer + 1, &len);
	answer[0] = 'K';
	if (reason != 0)
		refuse(p->fd, reason, n > 0 ? (size_t)n : 0);
	else
		(void)usock_send(p->fd, answer, 1 + len, -1);
	close_pair(p);
}

static void add_pair(const struct starter *s, int fd)
{
	if (npairs == SIGN_OPEN) {
		close_pair(&pairs[0]);
		sweep();
	}
	pairs[npairs++] = (struct pair){fd, s->since, clock_mono_ms() + SIGN_MS};
}

/* ---- a starter ---- */

static int answer_list(struct starter *s)
{
	static uint8_t frame[SIGN_LIST];

	if (!s->has_list)
		s->since = keys_generation();
	s->has_list = 1;
	return usock_send(s->fd, frame, keys_list(frame), -1);
}

static int obey(struct starter *s, char what, int fd)
{
	if (what == 'L' && fd == -1)
		return answer_list(s);
	if (what == 'S' && fd != -1) {
		add_pair(s, fd);
		return 0;
	}
	if (fd != -1)
		(void)close(fd);
	errno = EBADMSG;
	return -1;
}

static void hear_starter(struct starter *s)
{
	for (int i = 0; i < FRAMES_A_ROUND; i++) {
		char what;
		int fd;
		ssize_t n = usock_recv(s->fd, &what, 1, &fd);

		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n == 1 && obey(s, what, fd) == 0)
			continue;
		if (n != 0)
			warn_sys("understand a starter; its connection is closed");
		close_starter(s);
		return;
	}
}

void keydoor_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd == -1)
		return;
	for (struct starter *s = starters; s < starters + DOOR_STARTERS; s++)
		if (s->fd == -1) {
			*s = (struct starter){.fd = fd, .since = keys_generation()};
			return;
		}
	warn_msg("a starter is turned away: more than %d", DOOR_STARTERS);
	(void)close(fd);
}

/* From the shutdown on a starter knows that what it sends is not read; what it sent
 * before is read to its end. */
void keydoor_end(void)
{
	for (struct starter *s = starters; s < starters + DOOR_STARTERS; s++) {
		if (s->fd != -1 && shutdown(s->fd, SHUT_RD) == -1)
			close_starter(s);
		while (s->fd != -1)
			hear_starter(s);
	}
}

int keydoor_is_idle(void)
{
	return npairs == 0;
}

/* ---- the loop's side ---- */

nfds_t keydoor_fill(struct pollfd p[DOOR_POLL])
{
	nfds_t n = DOOR_STARTERS;

	sweep();
	forget();
	for (size_t i = 0; i < DOOR_STARTERS; i++) /* poll passes over a -1 */
		p[i] = (struct pollfd){.fd = starters[i].fd, .events = POLLIN};
	for (size_t i = 0; i < npairs; i++)
		p[n++] = (struct pollfd){.fd = pairs[i].fd, .events = POLLIN};
	return n;
}

int keydoor_wait_ms(void)
{
	return clock_left_ms(npairs > 0 ? pairs[0].until : CLOCK_NEVER);
}

/* Sessions first: those that come now are put behind them. */
void keydoor_serve(const struct pollfd *p, nfds_t n)
{
	for (nfds_t i = DOOR_STARTERS; i < n; i++)
		if (p[i].revents != 0)
			hear_pair(&pairs[i - DOOR_STARTERS]);
	for (size_t i = 0; i < DOOR_STARTERS; i++)
		if (p[i].revents != 0)
			hear_starter(&starters[i]);
}
