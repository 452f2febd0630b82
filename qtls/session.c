#include "session.h"

#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "clock.h"
#include "jail.h"
#include "keyask.h"
#include "prog.h"
#include "provider.h"
#include "qlog.h"
#include "relay.h"
#include "sbuf.h"
#include "tcp.h"
#include "usock.h"

extern const struct jail_profile jail_qtls_session;

enum { HANDSHAKE = 0x16, FACTS_MAX = 2048 }; /* a record's first byte, RFC 8446 5.1 */

static struct {
	const struct session_start *start;
	int caller;
	int tcp;
	int plain, theirs; /* the plaintext pair */
	SSL *ssl;
	struct tls_want want;
	struct tls_facts facts;
	struct relay_count bytes;
	int64_t began;
	int64_t deadline;
	char frame[LIMIT_FRAME]; /* want points into it */
	size_t len;
} s;

/* ---- the end ---- */

static void log_session(const char *result, const char *why)
{
	struct qlog l;

	qlog_begin(&l, "session");
	qlog_str(&l, "role", s.start->role->server ? "server" : "client");
	qlog_num(&l, "uid", s.start->uid);
	if (s.facts.version[0] != '\0') {
		qlog_str(&l, "tls", s.facts.version);
		qlog_str(&l, "cipher", s.facts.cipher);
		if (!s.start->role->server)
			qlog_str(&l, "verified", s.facts.verified ? "yes" : "no");
	}
	if (s.facts.name[0] != '\0')
		qlog_str(&l, "name", s.facts.name);
	if (s.facts.key[0] != '\0')
		qlog_str(&l, "pin", s.facts.key);
	qlog_str(&l, "result", result);
	if (why != NULL)
		qlog_str(&l, "reason", why);
	qlog_num(&l, "in", s.bytes.in);
	qlog_num(&l, "out", s.bytes.out);
	qlog_num(&l, "ms", (uint64_t)(clock_mono_ms() - s.began));
	qlog_end(&l);
}

static _Noreturn void end(const char *how, const char *why)
{
	log_session(how, why);
	_exit(0);
}

static _Noreturn void refuse(char letter, const char *how, const char *text)
{
	char frame[LIMIT_TEXT + 3];
	int n = snprintf(frame, sizeof frame, "-%c%s", letter, text);

	if (n > 0)
		(void)usock_send(
		    s.caller, frame,
		    ((size_t)n < sizeof frame ? (size_t)n : sizeof frame - 1) + 1, -1);
	end(how, text);
}

static _Noreturn void caller_left(void)
{
	end("left", NULL);
}

static _Noreturn void too_late(void)
{
	refuse('T', "timeout", "the handshake took too long");
}

/* ---- the request ---- */

/* Wait for one of the two: events of the TCP connection, or the caller. What comes from
 * the caller now is his end, or no business of his. */
static void wait_for_peer(short events)
{
	struct pollfd p[2] = {{s.tcp, events, 0}, {s.caller, 0, 0}};

	for (;;) {
		int n = poll(p, 2, clock_left_ms(s.deadline));

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			too_late();
		if (p[1].revents != 0)
			caller_left();
		return;
	}
}

static ssize_t hear_caller(void *p, size_t size, int *got, int64_t deadline)
{
	struct pollfd wait = {s.caller, POLLIN, 0};
	int n;

	do
		n = poll(&wait, 1, clock_left_ms(deadline));
	while (n == -1 && errno == EINTR);
	return n <= 0 ? -1 : usock_recv(s.caller, p, size, got);
}

/* A stream over IP, and no waiting for more to send: it is all records. */
static int is_tcp(int fd)
{
	int type = 0;
	int on = 1;
	socklen_t len = sizeof type;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1 || type != SOCK_STREAM)
		return 0;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return 1;
}

/* The request is received, but not looked at. */
static void receive(void)
{
	ssize_t n =
	    hear_caller(s.frame, sizeof s.frame, &s.tcp, s.began + SESSION_ASK_MS);

	if (n <= 0)
		caller_left();
	if (s.tcp == -1 || !is_tcp(s.tcp))
		end("refused", "no connection came with the request");
	s.len = (size_t)n;
}

static void read_request(void)
{
	const struct tls_want *w = &s.want;

	if (tlsgate_get(&s.want, s.frame, s.len) == -1)
		end("refused", "not a request");
	if (!w->server != !s.start->role->server)
		end("refused", "a request of the other role");
}

static int64_t handshake_time(void)
{
	return s.want.timeout_ms < SESSION_SHAKE_MS ? s.want.timeout_ms
						    : SESSION_SHAKE_MS;
}

static void wait_for_go(void)
{
	char go;

	if (!(s.want.flags & TLS_GO)) {
		if (usock_send(s.caller, "R", 1, -1) == -1 ||
		    hear_caller(&go, 1, NULL, clock_mono_ms() + SESSION_GO_MS) != 1 ||
		    go != 'G')
			caller_left();
	}
	s.deadline = clock_mono_ms() + handshake_time();
}

/* ---- the handshake ---- */

static int sign(const uint8_t id[SIGN_KEYID], uint16_t scheme, const uint8_t *text,
		size_t n, uint8_t *sig, size_t *siglen)
{
	enum sign_reason reason = SIGN_FAILED;

	if (keyask_sign(s.start->key, id, scheme, text, n, sig, siglen, &reason,
			s.deadline) == 0)
		return 0;
	if (errno == EACCES)
		warn_msg("qtls-key does not sign: reason %d", (int)reason);
	else
		warn_sys("get a signature from qtls-key");
	return -1;
}

/* Plaintext that was sent ahead of the answer to STARTTLS comes first, if there is any.
 */
static void look_at_first_byte(void)
{
	unsigned char first;
	ssize_t n;

	do {
		wait_for_peer(POLLIN);
		n = recv(s.tcp, &first, 1, MSG_PEEK | MSG_DONTWAIT);
	} while (n == -1 && (errno == EAGAIN || errno == EINTR));
	if (n <= 0)
		refuse('L', "lost", "the connection was lost");
	if (first != HANDSHAKE)
		refuse('P', "plaintext", "plaintext instead of TLS");
}

static int is_lost(int error)
{
	return error == SSL_ERROR_SYSCALL || error == SSL_ERROR_ZERO_RETURN ||
	       ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

static void shake(void)
{
	for (;;) {
		int r;
		int error;

		ERR_clear_error();
		r = SSL_do_handshake(s.ssl);
		if (r == 1)
			return;
		error = SSL_get_error(s.ssl, r);
		if (error == SSL_ERROR_WANT_READ)
			wait_for_peer(POLLIN);
		else if (error == SSL_ERROR_WANT_WRITE)
			wait_for_peer(POLLOUT);
		else if (is_lost(error))
			refuse('L', "lost", "the connection was lost");
		else
			refuse('H', "failed", role_error());
	}
}

static void prepare(void)
{
	s.ssl = SSL_new(s.start->role->ctx);
	if (s.ssl == NULL || tcp_attach(s.ssl, s.tcp) == -1 ||
	    SSL_set_app_data(s.ssl, &s.want) != 1 ||
	    s.start->role->begin(s.ssl, &s.want, &s.facts) != 1)
		refuse('B', "failed", role_error());
}

static void judge(void)
{
	(void)snprintf(s.facts.version, sizeof s.facts.version, "%s",
		       SSL_get_version(s.ssl));
	(void)snprintf(s.facts.cipher, sizeof s.facts.cipher, "%s",
		       SSL_get_cipher_name(s.ssl));
	s.start->role->judge(s.ssl, &s.want, &s.facts);
	if ((s.want.flags & TLS_STRICT) && !s.want.server && !s.facts.verified) {
		(void)SSL_shutdown(s.ssl);
		refuse('V', "untrusted", s.facts.why);
	}
}

/* The client's last words of a handshake get no answer, as there are no tickets. Until
 * they are acknowledged, Nagle's rule holds its first command back, so that a session at
 * STARTTLS would begin 40 ms later. */
static void acknowledge(void)
{
	int on = 1;

	if (s.want.server)
		(void)setsockopt(s.tcp, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/* ---- the plaintext ---- */

static void give_plaintext(void)
{
	struct sbuf b = SBUF_INIT(FACTS_MAX);

	if (tlsgate_facts_put(&b, &s.facts) == -1 ||
	    usock_send(s.caller, b.p, b.len, s.theirs) == -1)
		caller_left();
	sbuf_free(&b);
	(void)close(s.caller);
	(void)close(s.theirs);
}

/* What only the handshake needed. The heap's pages are copies of the starter's, and an
 * idle session shall have few. */
static void tidy(void)
{
	if (s.start->key != -1)
		(void)close(s.start->key);
	ERR_clear_error();
	(void)malloc_trim(0);
}

static _Noreturn void carry(void)
{
	static const char *const ends[] = {
	    [RELAY_CLOSED] = "closed", [RELAY_LOST] = "lost", [RELAY_STUCK] = "stuck"};
	enum relay_end how = relay(s.ssl, s.tcp, s.plain, &s.bytes);

	/* The caller may have a copy of the socket, so that our exit would not end it. */
	(void)shutdown(s.tcp, SHUT_WR);
	end(ends[how], NULL);
}

static void open_pair(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		refuse('B', "failed", "no descriptors are left");
	s.plain = pair[0];
	s.theirs = pair[1];
}

_Noreturn void session(const struct session_start *start)
{
	s.start = start;
	s.caller = start->caller;
	s.began = clock_mono_ms();
	provider_hook(sign);
	open_pair();
	receive();
	if (jail_enter(&jail_qtls_session) == -1)
		refuse('B', "failed", "the sandbox cannot be closed");
	read_request();
	prepare();
	wait_for_go();
	if (s.want.server)
		look_at_first_byte();
	shake();
	acknowledge();
	judge();
	tidy();
	give_plaintext();
	carry();
}
