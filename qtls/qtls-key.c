/* qtls-key: has the private keys, and signs.
 *
 * Who:     quoink, long-lived, one process, no child.
 * Trusts:  control/tls, which is the admin's. Nobody who asks: a session of qtls may be
 *          in the hands of a stranger, and so may a starter.
 * Answers: a starter (group quoint), which keys there are; a session, once, with the
 *          signature of a text that only a TLS server's handshake has (signing.h).
 * Never:   sees a network byte or a caller's, decrypts, gives a key away, starts a
 *          program, writes a file.
 *
 *	run/tls-key/sock	starters
 *	2			log
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <openssl/crypto.h>
#include <openssl/provider.h>

#include "args.h"
#include "catch.h"
#include "clock.h"
#include "jail.h"
#include "keydoor.h"
#include "keys.h"
#include "prog.h"
#include "ready.h"
#include "usock.h"
#include "wipe.h"

static const char usage[] = "qtls-key [-C dir] [-d fd]";

extern const struct jail_profile jail_qtls_key;

enum { ENDING_MS = 2000 };
static int64_t ends_at = CLOCK_NEVER;

static int arguments(int argc, char **argv)
{
	int notify = -1;
	const struct arg table[] = {{'d', arg_fd, &notify, 0, 0}, {0}};

	args_only(usage, table, argc, argv);
	return notify;
}

static int open_socket(void)
{
	int fd = usock_listen("tls-key", SOCK_SEQPACKET, 0660);

	if (fd == -1)
		die_sys(EXIT_TEMP, "listen at run/tls-key");
	return fd;
}

/* The system's openssl.cnf may load modules: it has no say here. The library's texts of
 * errors are 50 KB, and nobody reads them here. */
static void open_library(void)
{
	static const uint64_t without =
	    OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS;

	if (wipe_what_is_freed() == -1 || OPENSSL_init_crypto(without, NULL) != 1 ||
	    OSSL_PROVIDER_load(NULL, "default") == NULL)
		die_msg(EXIT_TEMP, "unable to start libcrypto");
}

/* What a signal asks for. With SIGTERM sessions that wait still get their signature; a
 * handshake that takes longer than ENDING_MS fails. */
static int is_end(int *sock, int signals)
{
	int sig = sigfd_next(signals);

	if (sig == SIGHUP)
		keys_read();
	if ((sig != SIGTERM && sig != SIGINT) || ends_at != CLOCK_NEVER)
		return 0;
	ends_at = clock_mono_ms() + ENDING_MS;
	keydoor_end();
	*sock = -1;
	return 1;
}

static int wait_ms(void)
{
	int door = keydoor_wait_ms();
	int left = clock_left_ms(ends_at);

	return door == -1 || (left != -1 && left < door) ? left : door;
}

/* Signals are looked at in each round, before anybody is answered: who has sent one and
 * asks then is told of the new keys. */
static _Noreturn void serve(int sock, int signals)
{
	enum { P_SOCK, P_SIGNALS, P_DOOR };
	static struct pollfd p[P_DOOR + DOOR_POLL];

	for (;;) {
		nfds_t n = keydoor_fill(p + P_DOOR);

		if (ends_at != CLOCK_NEVER &&
		    (keydoor_is_idle() || clock_left_ms(ends_at) == 0))
			exit(0);

		p[P_SOCK] = (struct pollfd){.fd = sock, .events = POLLIN};
		p[P_SIGNALS] = (struct pollfd){.fd = signals, .events = POLLIN};
		if (poll(p, P_DOOR + n, wait_ms()) == -1) {
			if (errno != EINTR)
				die_sys(EXIT_TEMP, "wait for events");
			continue;
		}
		if (is_end(&sock, signals))
			continue; /* the table is another */
		keydoor_serve(p + P_DOOR, n);
		if (p[P_SOCK].revents != 0)
			keydoor_accept(sock);
	}
}

int main(int argc, char **argv)
{
	static const int caught[] = {SIGHUP, SIGTERM, SIGINT, 0};
	int notify;
	int signals;
	int sock;

	prog_init("qtls-key");
	notify = arguments(argc, argv);
	open_library();
	keydoor_init();
	signals = catch_signals(caught, NULL);
	sock = open_socket();
	if (jail_enter(&jail_qtls_key) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	keys_read(); /* behind the sandbox, where SIGHUP reads them too */
	ready_notify(notify);
	serve(sock, signals);
}
