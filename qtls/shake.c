/* The handshake, from the first byte to the facts. */
#include "session_int.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "clock.h"
#include "keyask.h"
#include "prog.h"
#include "provider.h"
#include "tcp.h"

enum { HANDSHAKE = 0x16 }; /* a record's first byte, RFC 8446 5.1 */

static struct session *const s = &session_now;

static _Noreturn void too_late(void)
{
	session_refuse('T', "timeout", "the handshake took too long");
}

/* Wait for one of the two: events of the TCP connection, or the caller. What comes from
 * the caller now is his end, or no business of his. */
static void wait_for_peer(short events)
{
	struct pollfd p[2] = {{s->tcp, events, 0}, {s->caller, 0, 0}};

	for (;;) {
		int n = poll(p, 2, clock_left_ms(s->deadline));

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			too_late();
		if (p[1].revents != 0)
			session_end("left", NULL);
		return;
	}
}

static int sign(const uint8_t id[SIGN_KEYID], uint16_t scheme, const uint8_t *text,
		size_t n, uint8_t *sig, size_t *siglen)
{
	enum sign_reason reason = SIGN_FAILED;

	if (keyask_sign(s->start->key, id, scheme, text, n, sig, siglen, &reason,
			s->deadline) == 0)
		return 0;
	if (errno == EACCES)
		warn_msg("qtls-key does not sign: reason %d", (int)reason);
	else
		warn_sys("get a signature from qtls-key");
	return -1;
}

/* What was sent in clear ahead of the answer to STARTTLS comes first. */
static void look_at_first_byte(void)
{
	unsigned char first;
	ssize_t n;

	do {
		wait_for_peer(POLLIN);
		n = recv(s->tcp, &first, 1, MSG_PEEK | MSG_DONTWAIT);
	} while (n == -1 && (errno == EAGAIN || errno == EINTR));
	if (n <= 0)
		session_refuse('L', "lost", "the connection was lost");
	if (first != HANDSHAKE)
		session_refuse('P', "plaintext", "plaintext instead of TLS");
}

static int is_lost(int error)
{
	return error == SSL_ERROR_SYSCALL || error == SSL_ERROR_ZERO_RETURN ||
	       ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

static void handshake(void)
{
	for (;;) {
		int r;
		int error;

		ERR_clear_error();
		r = SSL_do_handshake(s->ssl);
		if (r == 1)
			return;
		error = SSL_get_error(s->ssl, r);
		if (error == SSL_ERROR_WANT_READ)
			wait_for_peer(POLLIN);
		else if (error == SSL_ERROR_WANT_WRITE)
			wait_for_peer(POLLOUT);
		else if (is_lost(error))
			session_refuse('L', "lost", "the connection was lost");
		else
			session_refuse('H', "failed", role_error());
	}
}

void shake_prepare(void)
{
	provider_hook(sign);
	s->ssl = SSL_new(s->start->role->ctx);
	if (s->ssl == NULL || tcp_attach(s->ssl, s->tcp) == -1 ||
	    SSL_set_app_data(s->ssl, &s->want) != 1 ||
	    s->start->role->begin(s->ssl, &s->want, &s->facts) != 1)
		session_refuse('B', "failed", role_error());
}

static void judge(void)
{
	(void)snprintf(s->facts.version, sizeof s->facts.version, "%s",
		       SSL_get_version(s->ssl));
	(void)snprintf(s->facts.cipher, sizeof s->facts.cipher, "%s",
		       SSL_get_cipher_name(s->ssl));
	s->start->role->judge(s->ssl, &s->want, &s->facts);
	if ((s->want.flags & TLS_STRICT) && !s->want.server && !s->facts.verified) {
		(void)SSL_shutdown(s->ssl);
		session_refuse('V', "untrusted", s->facts.why);
	}
}

/* The client's last words of a handshake get no answer, as there are no tickets. Until
 * they are acknowledged, Nagle's rule holds its first command back, so that a session at
 * STARTTLS would begin 40 ms later. */
static void acknowledge(void)
{
	int on = 1;

	if (s->want.server)
		(void)setsockopt(s->tcp, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

void shake(void)
{
	if (s->want.server)
		look_at_first_byte();
	handshake();
	acknowledge();
	judge();
}
