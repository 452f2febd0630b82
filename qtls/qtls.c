/* qtls: puts TLS on connections that other programs have.
 *
 * Who:     quoint. Two of them: -s for servers, with certificates, whose keys only
 *          qtls-key has; -c for clients, with the system's CAs.
 * Trusts:  control/, the kernel's word who calls. Of a caller nothing but where to connect
 *          and what to believe about the peer; that is his own risk.
 * Never:   sees a private key. The starter reads no byte from callers or network; a
 *          session opens nothing, and knows not what it carries.
 *
 *	run/NAME/sock of the words	callers
 *	a connection to run/tls-key/sock
 *	2				log
 *
 * A session, which is forked, has its caller, the TCP connection, its plaintext socket,
 * and until the handshake is done one pair to qtls-key.
 */
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "control.h"
#include "fdio.h"
#include "heap.h"
#include "heir.h"
#include "jail.h"
#include "paths.h"
#include "prog.h"
#include "provider.h"
#include "ready.h"
#include "starter.h"
#include "tcp.h"
#include "warm.h"
#include "words.h"

extern const struct jail_profile jail_qtls;

static struct starter starter;
static struct words given = {.doors = &starter.doors};

/* With what it runs itself anew, and when what. */
static void remember_words(const char *self)
{
	static char program[LIMIT_PATH];
	static char waiter[LIMIT_PATH];

	starter.argv = given.argv;
	starter.place = given.place;
	starter.idle_ms = (int64_t)given.idle * 1000;
	starter.waiter = words_program(self, "qtls-wait", waiter);
	starter.program = words_program(self, "qtls", program);
}

static void configure(void)
{
	uint64_t limit = STARTER_SESSIONS;

	if (control_num("tlssessions", STARTER_SESSIONS_MAX, &limit) == -1)
		die_msg(EXIT_TEMP, "unable to read %s", control_error());
	starter.limit = (unsigned)limit;
}

/* What would have the library load a module, or write keys to a file. */
static void clear_environment(void)
{
	static const char *const names[] = {"OPENSSL_CONF", "OPENSSL_MODULES",
					    "OPENSSL_ENGINES", "SSLKEYLOGFILE"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		(void)unsetenv(names[i]);
}

static void open_doors(void)
{
	const char *failed;

	if (given.heir != -1 &&
	    heir_load(given.heir, &starter.doors, &starter.crowd) == -1)
		die_sys(EXIT_TEMP, "take over");
	if (doors_open(&starter.doors, &failed) == -1)
		die_sys2(EXIT_TEMP, "listen at run directory", failed);
}

static void open_role(void)
{
	if (given.server && provider_load() == -1)
		die_msg(EXIT_TEMP, "unable to prepare the keys: %s", role_error());
	if (tcp_prepare() == -1 || (given.server ? server_open(&starter.role)
						 : client_open(&starter.role)) == -1)
		die_msg(EXIT_TEMP, "unable to prepare TLS: %s", role_error());
	warm_up();
	starter.keys.fd = -1;
	if (given.server) {
		keylink_open(&starter.keys);
		server_prepare_usual(&starter.role);
		warm_up_server(starter.role.ctx);
	}
	heap_close();
}

int main(int argc, char **argv)
{
	prog_init("qtls");
	if (fd_fill_std() == -1)
		die_sys(EXIT_TEMP, "open /dev/null");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		die_sys(EXIT_TEMP, "become undumpable");
	words_read(&given, "qtls" WORDS_USAGE, argc, argv);
	remember_words(argv[0]);
	clear_environment();
	configure();
	if (starter_prepare(&starter) == -1)
		die_sys(EXIT_TEMP, "catch signals");
	open_doors();
	tzset(); /* dates of certificates: a session could not open /etc/localtime */
	open_role();
	if (jail_enter(&jail_qtls) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	ready_notify(given.notify);
	starter_serve(&starter);
}
