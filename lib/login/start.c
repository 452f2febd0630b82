#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "control.h"
#include "login/login.h"
#include "owner.h"
#include "paths.h"
#include "prog.h"

enum { SECONDS = 120, SECONDS_MIN = 10, SECONDS_MAX = 600, PORT_MAX = 65535 };

static struct {
	int tls, clear;
	unsigned nports;
	unsigned ports[LOGIN_PORTS];
	struct owner reader;
} given = {.reader = OWNER_NONE};

static int arg_port(const struct arg *a, const char *word)
{
	unsigned port;
	const struct arg number = {a->letter, arg_num, &port, 1, PORT_MAX};

	if (given.nports == LOGIN_PORTS || arg_num(&number, word) == -1)
		return -1;
	given.ports[given.nports++] = port;
	return 0;
}

static const char *env(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : otherwise;
}

/* Nothing that goes from this host to this host is read on the way. */
static int is_here(const char *ip)
{
	return strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0 ||
	       strcmp(ip, env("TCPLOCALIP", "")) == 0;
}

static void look_at_client(struct login *l)
{
	const char *ip = env("TCPREMOTEIP", "unknown");
	struct stat st;

	(void)snprintf(l->client, sizeof l->client, "%s", ip);
	l->host = env("TCPLOCALHOST", "Quoin");
	l->may_clear = given.clear || is_here(ip);
	l->is_socket = fstat(0, &st) == 0 && S_ISSOCK(st.st_mode);
}

static int is_tls_port(void)
{
	unsigned port = (unsigned)strtoul(env("TCPLOCALPORT", "0"), NULL, 10);

	for (unsigned i = 0; i < given.nports; i++)
		if (given.ports[i] == port)
			return 1;
	return given.tls;
}

static void look_for_tls(struct login *l)
{
	char path[LIMIT_PATH];
	struct stat st;

	l->tls_is_served =
	    l->is_socket &&
	    path_join(path, sizeof path, paths.run, "tls-login/sock") != NULL &&
	    stat(path, &st) == 0;
}

static void set_end(struct login *l)
{
	uint64_t seconds = SECONDS;

	if (control_num("logintimeout", SECONDS_MAX, &seconds) == -1)
		warn_msg("%s; %d seconds", control_error(), SECONDS);
	if (seconds < SECONDS_MIN)
		seconds = SECONDS_MIN;
	l->end = clock_mono_ms() + (int64_t)seconds * 1000;
}

/* The checkpassword program has to be root; who reads the client's bytes has not. */
static void split(struct login *l, char **words)
{
	static const struct owner none = OWNER_NONE;

	l->checker = -1;
	if (words[0] != NULL)
		l->checker = login_fork_checker(words);
	else if (!l->is_socket)
		die_msg(EXIT_PERM, "descriptor 0 is no socket");
	if (given.reader.uid != none.uid && owner_become(&given.reader) == -1)
		die_sys(EXIT_TEMP, "drop privileges");
}

void login_start(struct login *l, const char *usage, const struct jail_profile *jail,
		 int argc, char **argv)
{
	const struct arg table[] = {{'t', arg_flag, &given.tls, 0, 0},
				    {'T', arg_port, NULL, 0, 0},
				    {'p', arg_flag, &given.clear, 0, 0},
				    {'u', arg_owner, &given.reader, 0, 0},
				    {0}};
	char **words = argv + args(usage, table, argc, argv);

	l->out = 1;
	look_at_client(l);
	look_for_tls(l);
	set_end(l);
	split(l, words);
	(void)signal(SIGPIPE, SIG_IGN);
	if (jail_enter(jail) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	if (is_tls_port() && login_tls_at_once(l) == -1)
		l->over = OVER_ENDED;
}
