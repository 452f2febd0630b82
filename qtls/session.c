#include "session_int.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "clock.h"
#include "heap.h"
#include "jail.h"
#include "sbuf.h"
#include "usock.h"

extern const struct jail_profile jail_qtls_session;

enum { FACTS_MAX = 2048 };

static struct session *const s = &session_now;

static _Noreturn void caller_left(void)
{
	session_end("left", NULL);
}

/* ---- the request ---- */

static ssize_t hear_caller(void *p, size_t size, int *got, int64_t deadline)
{
	struct pollfd wait = {s->caller, POLLIN, 0};
	int n;

	do
		n = poll(&wait, 1, clock_left_ms(deadline));
	while (n == -1 && errno == EINTR);
	return n <= 0 ? -1 : usock_recv(s->caller, p, size, got);
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
	    hear_caller(s->frame, sizeof s->frame, &s->tcp, s->began + SESSION_ASK_MS);

	if (n <= 0)
		caller_left();
	if (s->tcp == -1 || !is_tcp(s->tcp))
		session_end("refused", "no connection came with the request");
	s->len = (size_t)n;
}

static void read_request(void)
{
	const struct tls_want *w = &s->want;

	if (tlsgate_get(&s->want, s->frame, s->len) == -1)
		session_end("refused", "not a request");
	if (!w->server != !s->start->role->server)
		session_end("refused", "a request of the other role");
}

static int64_t handshake_time(void)
{
	return s->want.timeout_ms < SESSION_SHAKE_MS ? s->want.timeout_ms
						     : SESSION_SHAKE_MS;
}

static void wait_for_go(void)
{
	char go;

	if (!(s->want.flags & TLS_GO)) {
		if (usock_send(s->caller, "R", 1, -1) == -1 ||
		    hear_caller(&go, 1, NULL, clock_mono_ms() + SESSION_GO_MS) != 1 ||
		    go != 'G')
			caller_left();
	}
	s->deadline = clock_mono_ms() + handshake_time();
}

/* ---- the plaintext ---- */

static void give_plaintext(void)
{
	struct sbuf b = SBUF_INIT(FACTS_MAX);

	if (tlsgate_facts_put(&b, &s->facts) == -1 ||
	    usock_send(s->caller, b.p, b.len, s->theirs) == -1)
		caller_left();
	sbuf_free(&b);
	(void)close(s->caller);
	(void)close(s->theirs);
}

/* What only the handshake needed. */
static void tidy(void)
{
	if (s->start->key != -1)
		(void)close(s->start->key);
	ERR_clear_error();
}

static _Noreturn void carry(void)
{
	static const char *const ends[] = {
	    [RELAY_CLOSED] = "closed", [RELAY_LOST] = "lost", [RELAY_STUCK] = "stuck"};
	enum relay_end how = relay(s->ssl, s->tcp, s->plain, &s->bytes);

	/* The caller may have a copy of the socket, so that our exit would not end it. */
	(void)shutdown(s->tcp, SHUT_WR);
	session_end(ends[how], NULL);
}

static void open_pair(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		session_refuse('B', "failed", "no descriptors are left");
	s->plain = pair[0];
	s->theirs = pair[1];
}

_Noreturn void session(const struct session_start *start)
{
	s->start = start;
	s->caller = start->caller;
	heap_begin();
	s->began = clock_mono_ms();
	open_pair();
	receive();
	if (jail_enter(&jail_qtls_session) == -1)
		session_refuse('B', "failed", "the sandbox cannot be closed");
	read_request();
	shake_prepare();
	wait_for_go();
	shake();
	tidy();
	give_plaintext();
	carry();
}
