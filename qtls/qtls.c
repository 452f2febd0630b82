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
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
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

extern const struct jail_profile jail_qtls;

static const char usage[] = "qtls -s | -c [-C dir] [-d fd] [-i fd] name[:uid[,uid]] ...";

static struct starter starter;

static struct {
	int server, client;
	int notify;
	int heir;
} given = {0, 0, -1, -1};

static void arguments(int argc, char **argv)
{
	const struct arg table[] = {{'s', arg_flag, &given.server, 0, 0},
				    {'c', arg_flag, &given.client, 0, 0},
				    {'d', arg_fd, &given.notify, 0, 0},
				    {'i', arg_fd, &given.heir, 0, 0},
				    {0}};
	int first = args(usage, table, argc, argv);

	if (given.server == given.client || first == argc)
		die_usage(usage);
	for (int i = first; i < argc; i++)
		if (doors_add(&starter.doors, argv[i]) == -1)
			die_usage(usage);
}

/* The words with which it runs itself anew. */
static void remember_words(const char *self)
{
	static char program[LIMIT_PATH];
	static const char *words[DOORS_MAX + 8];
	ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
	const char **w = words;

	*w++ = self;
	*w++ = given.server ? "-s" : "-c";
	if (args_home != NULL) {
		*w++ = "-C";
		*w++ = args_home;
	}
	*w++ = "-i";
	starter.place = w++;
	for (size_t i = 0; i < starter.doors.n; i++)
		*w++ = starter.doors.door[i].word;
	starter.argv = words;
	/* By its path where that is known: after an upgrade it is another file. */
	starter.program = self[0] == '/' || n <= 0 ? self : program;
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
	arguments(argc, argv);
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
