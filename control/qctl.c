/* qctl: one word for each thing that an admin does.
 *
 * Who:    the admin; root for what needs it. No privilege of its own.
 * Does:   finds the program of a verb, bin/qctl-VERB, and becomes it. `-C DIR` is
 *         handed on to programs; scripts get the paths as QUOIN_* instead, set here
 *         and never taken from the environment.
 * Never:  touches anything itself.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen/build.h"
#include "paths.h"
#include "prog.h"

enum kind { PROGRAM, SCRIPT };

static const struct verb {
	const char *name;
	enum kind kind;
	const char *file; /* bin/qctl-FILE */
	const char *word; /* first argument of a script that serves several verbs */
	const char *help; /* NULL: a second name of the verb above it */
} verbs[] = {
    {"start", SCRIPT, "service", "start", "start what is down"},
    {"stop", SCRIPT, "service", "stop",
     "stop listening and delivering; mail may still be queued"},
    {"down", SCRIPT, "service", "down", "stop everything"},
    {"restart", SCRIPT, "service", "restart", "replace what runs; no client is refused"},
    {"stat", SCRIPT, "service", "stat", "what is running (--json)"},
    {"status", SCRIPT, "service", "stat", NULL},
    {"pause", SCRIPT, "service", "pause", "accept mail, deliver none"},
    {"cont", SCRIPT, "service", "cont", "deliver again"},
    {"flush", SCRIPT, "service", "flush", "try all waiting mail now"},
    {"doqueue", SCRIPT, "service", "flush", NULL},
    {"alrm", SCRIPT, "service", "flush", NULL},
    {"reload", SCRIPT, "service", "reload",
     "control files and certificates are read again"},
    {"hup", SCRIPT, "service", "reload", NULL},
    {"cdb", SCRIPT, "service", "cdb",
     "compile the tables that are older than their text"},
    {"check", PROGRAM, "check", NULL, "what is wrong, and what mends it (--json)"},
    {"queue", PROGRAM, "queue", NULL,
     "list, show, hold, release, retry, delete, move, take messages; check"},
    {"route", PROGRAM, "route", NULL, "where an address would be delivered, and why"},
    {"trace", PROGRAM, "trace", NULL,
     "the whole way of a message, out of the logs (--json)"},
    {"audit", PROGRAM, "audit", NULL,
     "has each accepted message one end per recipient (--json)"},
    {"user", PROGRAM, "user", NULL,
     "accounts: add, del, passwd, apppass, list; passwords come from standard input"},
    {"metrics", PROGRAM, "metrics", NULL, "numbers as OpenMetrics text"},
    {"cert", SCRIPT, "cert", NULL,
     "certificates: list, self, install, remove, tlsa, next, csr"},
    {"cert-hook", SCRIPT, "cert-hook", NULL,
     "for certbot, lego, acme.sh, dehydrated: take what was renewed"},
    {"dns", SCRIPT, "dns", NULL, "what DNS should say of this host"},
    {"house", SCRIPT, "house", NULL, "make Quoin's users and directories"},
    {"boot", SCRIPT, "house", "boot", "become the service tree (for the init system)"},
};

#define NVERBS (sizeof verbs / sizeof *verbs)

static _Noreturn void help(FILE *to, int code)
{
	fputs("usage: qctl [-C dir] verb [argument ...]\n", to);
	for (size_t i = 0; i < NVERBS; i++)
		if (verbs[i].help)
			fprintf(to, "  %-9s %s\n", verbs[i].name, verbs[i].help);
	fputs("  version   which Quoin this is\n"
	      "  help      this; `qctl help FILE`: what a control file means\n"
	      "Manual pages: qctl(8), quoin(7), quoin-control(5)\n",
	      to);
	exit(fflush(to) == 0 ? code : EXIT_TEMP);
}

/* What a control file means: its sample. */
static int help_file(const char *name)
{
	char dir[LIMIT_PATH], path[LIMIT_PATH], buf[4096];
	size_t n;
	FILE *f;

	if (strchr(name, '/') ||
	    !path_join(dir, sizeof dir, paths.bin, "house/samples") ||
	    !path_join(path, sizeof path, dir, name))
		die_msg(EXIT_PERM, "%s is no name of a control file", name);
	f = fopen(path, "re");
	if (!f)
		die_sys2(EXIT_PERM, "read", path);
	while ((n = fread(buf, 1, sizeof buf, f)) > 0)
		(void)fwrite(buf, 1, n, stdout);
	(void)fclose(f);
	return fflush(stdout) == 0 ? 0 : EXIT_TEMP;
}

static void set(const char *name, const char *value)
{
	if (setenv(name, value, 1) == -1)
		die_sys(EXIT_TEMP, "set the environment");
}

static void set_paths(const char *home)
{
	char log[LIMIT_PATH];

	set("QUOIN_HOME", home ? home : "");
	set("QUOIN_CONTROL", paths.control);
	set("QUOIN_QUEUE", paths.queue);
	set("QUOIN_RUN", paths.run);
	set("QUOIN_USERS", paths.users);
	set("QUOIN_ALIAS", paths.alias);
	set("QUOIN_HOMES", paths.homes);
	set("QUOIN_STS", paths.sts);
	set("QUOIN_BIN", paths.bin);
	if (!home)
		set("QUOIN_LOG", BUILD_LOGDIR);
	else if (path_join(log, sizeof log, home, "log"))
		set("QUOIN_LOG", log);
	else
		die_sys(EXIT_PERM, "use that directory");
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < NVERBS; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

/* The program's own words, then the user's. */
static _Noreturn void become(const struct verb *v, const char *home, char **rest,
			     int nrest)
{
	char file[64], path[LIMIT_PATH];
	char **argv = calloc((size_t)nrest + 5, sizeof *argv);
	int n = 0;

	snprintf(file, sizeof file, "qctl-%s", v->file);
	if (!argv || !path_join(path, sizeof path, paths.bin, file))
		die_sys(EXIT_TEMP, "make the command");
	argv[n++] = path;
	if (home && v->kind == PROGRAM) {
		argv[n++] = (char *)"-C";
		argv[n++] = (char *)home;
	}
	if (v->word)
		argv[n++] = (char *)v->word;
	memcpy(argv + n, rest, (size_t)nrest * sizeof *argv);
	execv(path, argv);
	die_sys2(errno == ENOENT ? EXIT_PERM : EXIT_TEMP, "run", path);
}

int main(int argc, char **argv)
{
	const struct verb *v;
	const char *home = NULL;
	int opt;

	prog_init("qctl");
	while ((opt = getopt(argc, argv, "+C:h")) != -1) {
		if (opt == 'h')
			help(stdout, 0);
		if (opt != 'C')
			help(stderr, EXIT_PERM);
		home = realpath(optarg, NULL);
		if (!home || paths_under(home) == -1)
			die_sys2(EXIT_PERM, "use directory", optarg);
	}
	if (optind == argc)
		help(stderr, EXIT_PERM);
	if (strcmp(argv[optind], "help") == 0 && optind + 1 < argc)
		return help_file(argv[optind + 1]);
	if (strcmp(argv[optind], "help") == 0)
		help(stdout, 0);
	if (strcmp(argv[optind], "version") == 0) {
		puts("quoin " BUILD_VERSION);
		return fflush(stdout) == 0 ? 0 : EXIT_TEMP;
	}
	v = find_verb(argv[optind]);
	if (!v)
		help(stderr, EXIT_PERM);
	set_paths(home);
	become(v, home, argv + optind + 1, argc - optind - 1);
}
