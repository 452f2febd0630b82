#include "relay.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "clock.h"

/* One direction. */
struct half {
	size_t at, len; /* of what waits */
	int ended;      /* its source has */
	int told;       /* its sink knows that */
	unsigned char *buf;
};

/* Not among what is written all the time: an empty one touches no page of its own. */
static unsigned char buffers[2][RELAY_BUFFER];

static struct {
	SSL *ssl;
	int tcp, plain;
	struct half in;  /* network to plaintext */
	struct half out; /* plaintext to network */
	short tcp_wants, plain_wants;
	short read_needs; /* what SSL_read() waits for, if nothing is promised */
	int tcp_ready, plain_ready; /* to be read: poll() has said so, or there is more */
	int tidy;                   /* what the handshake had is given back */
	int lost;
	int gone; /* the caller has closed both ways */
	int64_t gone_at;
	int64_t moved_at; /* the last time that something went out */
} r;

/* ---- the four moves: 1 something happened, 0 not now ---- */

static void lose(void)
{
	r.lost = 1;
	r.in.ended = r.out.ended = r.out.told = 1;
	r.out.len = 0;
}

/* What the library waits for; all else ends the connection. */
static int wait_or_lose(int result)
{
	switch (SSL_get_error(r.ssl, result)) {
	case SSL_ERROR_WANT_READ:
		r.tcp_wants |= POLLIN;
		return 0;
	case SSL_ERROR_WANT_WRITE:
		r.tcp_wants |= POLLOUT;
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		r.in.ended = 1;
		return 1;
	default:
		/* Both have said all: how the peer closes does not matter any more. */
		if (r.out.told)
			r.in.ended = 1;
		else
			lose();
		return 1;
	}
}

/* SSL_get_error() looks at the queue too. It is empty nearly always, and to look is less
 * than to clear all its places. */
static void forget_errors(void)
{
	if (ERR_peek_error() != 0)
		ERR_clear_error();
}

static int from_network(void)
{
	int n;
	int moved;

	if (r.in.len > 0 || r.in.ended)
		return 0;
	if (!r.tcp_ready) {
		r.tcp_wants |= r.read_needs;
		return 0;
	}
	forget_errors();
	n = SSL_read(r.ssl, r.in.buf, RELAY_BUFFER);
	r.tcp_ready = n > 0 && SSL_has_pending(r.ssl);
	if (n <= 0) {
		moved = wait_or_lose(n);
		r.read_needs = r.tcp_wants;
		return moved;
	}
	r.read_needs = POLLIN;
	r.in.at = 0;
	r.in.len = r.gone ? 0 : (size_t)n;
	return 1;
}

static void caller_is_gone(void)
{
	if (r.gone)
		return;
	r.gone = 1;
	r.gone_at = clock_mono_ms();
	if (!r.out.told)
		r.moved_at = r.gone_at;
	r.in.len = 0;
	r.in.told = 1;
}

static int is_later(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static int to_plain(void)
{
	ssize_t n;

	if (r.in.len == 0) {
		if (!r.in.ended || r.in.told)
			return 0;
		r.in.told = 1;
		(void)shutdown(r.plain, SHUT_WR);
		return 1;
	}
	n = send(r.plain, r.in.buf + r.in.at, r.in.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == -1 && is_later()) {
		r.plain_wants |= POLLOUT;
		return 0;
	}
	if (n == -1) {
		caller_is_gone();
		return 1;
	}
	/* a password may have been in it */
	explicit_bzero(r.in.buf + r.in.at, (size_t)n);
	r.in.at += (size_t)n;
	r.in.len -= (size_t)n;
	return 1;
}

static int from_plain(void)
{
	ssize_t n;

	if (r.out.len > 0 || r.out.ended)
		return 0;
	if (!r.plain_ready) {
		r.plain_wants |= POLLIN;
		return 0;
	}
	n = recv(r.plain, r.out.buf, RELAY_BUFFER, MSG_DONTWAIT);
	r.plain_ready = n == RELAY_BUFFER;
	if (n == -1 && is_later()) {
		r.plain_wants |= POLLIN;
		return 0;
	}
	if (n == -1 && errno == ECONNRESET) { /* what it wrote before that is there yet */
		caller_is_gone();
		return 1;
	}
	r.out.ended = n <= 0;
	r.out.at = 0;
	r.out.len = n > 0 ? (size_t)n : 0;
	return 1;
}

static int tell_network(void)
{
	int n;

	if (!r.out.ended || r.out.told)
		return 0;
	forget_errors();
	n = SSL_shutdown(r.ssl);
	if (n < 0)
		return wait_or_lose(n);
	r.out.told = 1;
	r.moved_at = clock_mono_ms();
	return 1;
}

static int to_network(void)
{
	int n;

	if (r.out.len == 0)
		return tell_network();
	forget_errors();
	n = SSL_write(r.ssl, r.out.buf + r.out.at, (int)r.out.len);
	if (n <= 0)
		return wait_or_lose(n);
	explicit_bzero(r.out.buf + r.out.at, (size_t)n); /* a next hop's */
	r.out.at += (size_t)n;
	r.out.len -= (size_t)n;
	r.moved_at = clock_mono_ms();
	return 1;
}

/* ---- the loop ---- */

static int is_done(void)
{
	return r.in.ended && r.in.len == 0 && r.in.told && r.out.told;
}

static int64_t deadline(void)
{
	if (!r.gone)
		return CLOCK_NEVER;
	if (r.out.told)
		return r.moved_at + RELAY_LINGER_MS;
	return clock_sooner(r.moved_at + RELAY_STUCK_MS, r.gone_at + RELAY_GONE_MS);
}

static int move(struct relay_count *count)
{
	size_t in = r.in.len;
	size_t out = r.out.len;
	int moved;

	r.tcp_wants = r.plain_wants = 0;
	moved = from_network();
	count->in += r.in.len - in;
	moved |= to_plain();
	moved |= from_plain();
	count->out += out == 0 ? r.out.len : 0;
	moved |= to_network();
	return moved;
}

/* An idle session shall have few pages, and no buffers of records from now on; one that is
 * soon over keeps them, and need not give them back. */
static void be_idle(void)
{
	(void)SSL_free_buffers(r.ssl);
	(void)SSL_set_mode(r.ssl, SSL_MODE_RELEASE_BUFFERS);
	(void)malloc_trim(0);
	r.tidy = 1;
}

static int64_t wake_up_at(void)
{
	int64_t end = deadline();

	return r.tidy ? end : clock_sooner(end, clock_mono_ms() + RELAY_IDLE_MS);
}

/* A side of which nothing is wanted would wake us without end when it is closed; of the
 * caller that is how we hear of it, once. */
static int wait_for_more(void)
{
	int see_caller = r.plain_wants != 0 || !r.gone;
	struct pollfd p[2] = {{r.tcp_wants != 0 ? r.tcp : -1, r.tcp_wants, 0},
			      {see_caller ? r.plain : -1, r.plain_wants, 0}};

	int n = poll(p, 2, clock_left_ms(wake_up_at()));

	if (n == -1)
		return errno == EINTR ? 0 : -1;
	if (n == 0)
		be_idle();
	r.tcp_ready |= p[0].revents != 0;
	r.plain_ready |= p[1].revents != 0;
	if (p[1].revents & (POLLHUP | POLLERR))
		caller_is_gone();
	return 0;
}

enum relay_end relay(SSL *ssl, int tcp, int plain, struct relay_count *count)
{
	r.ssl = ssl;
	r.in.buf = buffers[0];
	r.out.buf = buffers[1];
	r.tcp = tcp;
	r.plain = plain;
	r.tcp_ready = 1; /* the handshake may have read further than its end */
	while (!is_done()) {
		if (clock_left_ms(deadline()) == 0)
			return r.out.told ? RELAY_CLOSED : RELAY_STUCK;
		if (!move(count) && wait_for_more() == -1)
			lose();
	}
	return r.lost ? RELAY_LOST : RELAY_CLOSED;
}
