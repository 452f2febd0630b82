/* qctl-route: explains where mail to an address goes, step by step.
 *
 * Runs as whoever asks, reads what the daemons read, by their code (lib/route): control
 * files, users/cdb, control/aliases.cdb; asks qgetpw at run/qgetpw/sock (root and the
 * services may). Where it may look into the home it says which dot-file decides. Changes
 * nothing.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "addr.h"
#include "alias.h"
#include "args.h"
#include "control.h"
#include "cursor.h"
#include "dotname.h"
#include "prog.h"
#include "pwask.h"
#include "relay.h"
#include "route.h"

static const char usage[] = "qctl route address ...";

static struct question question;

/* The steps of the last try alone: one that waits for an answer is made again. */
static char steps[16][2 * LIMIT_ADDRESS + LIMIT_PATH];
static size_t nsteps;

static void keep(void *arg, const char *text)
{
	(void)arg;
	if (nsteps < sizeof steps / sizeof *steps)
		(void)snprintf(steps[nsteps++], sizeof *steps, "%s", text);
}

static void print_steps(void)
{
	for (size_t i = 0; i < nsteps; i++)
		(void)printf("  %s\n", steps[i]);
	nsteps = 0;
}

static void settled(const char *name, char result)
{
	question_settle(&question, name, result);
}

static void wait_for_answer(void)
{
	struct pollfd p = {.fd = pwask_fd(), .events = POLLIN};

	if (poll(&p, 1, pwask_wait_ms()) == -1 && errno != EINTR)
		die_sys(EXIT_TEMP, "wait for qgetpw");
	pwask_receive(settled);
	pwask_tick(settled);
}

static int find_user(const char *local, struct route_user *u)
{
	memset(&question, 0, sizeof question);
	while (route_local(local, pwask_getpw, &question, u, keep, NULL) == -1) {
		if (errno != EINPROGRESS)
			return -1;
		while (question.waits[0] != '\0')
			wait_for_answer();
		nsteps = 0;
	}
	return 0;
}

/* ---- what happens there ---- */

static void print_alias(const char *key)
{
	struct alias_item item;
	struct cursor c;
	char *value;
	size_t len;

	if (alias_find(key, &value, &len) != 1)
		die_sys2(EXIT_TEMP, "read control/aliases.cdb about", key);
	cur_init(&c, value, len);
	while (alias_next(&c, &item) == 1)
		switch (item.kind) {
		case ALIAS_FORWARD:
			(void)printf("  forward to %s\n", item.text);
			break;
		case ALIAS_PROGRAM:
			(void)printf("  run %s\n", item.text);
			break;
		case ALIAS_FILE:
			(void)printf("  deliver to %s\n", item.text);
			break;
		case ALIAS_INCLUDE:
			(void)printf("  forward to the addresses in %s\n", item.text);
			break;
		case ALIAS_DISCARD:
			(void)printf("  discard\n");
			break;
		case ALIAS_ERROR:
			(void)printf("  refuse: %s\n", item.text);
			break;
		}
	free(value);
}

/* 1: it is there (or nobody knows), 0: look for the next one. */
static int try_file(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0) {
		(void)printf("  %s\n", path);
		return 1;
	}
	if (errno == ENOENT || errno == ENAMETOOLONG)
		return 0;
	(void)printf("  %s: %s\n", path, strerror(errno));
	return 1;
}

/* No dot-file at all is the default delivery for the user himself and no mailbox for
 * an extension. */
static void print_dotfile(const struct route_user *u)
{
	struct dotname d;

	dotname_init(&d, u->home, u->dash, u->ext);
	while (dotname_next(&d))
		if (try_file(d.path))
			return;
	if (u->dash[0] == '\0')
		(void)printf("  no dot-file: control/defaultdelivery, or ./Maildir/\n");
	else
		(void)printf("  no dot-file: no mailbox of that name\n");
}

static void print_user(const struct route_user *u)
{
	if (u->uid == 0) {
		(void)printf("  %s has uid 0: refused, an alias must name somebody\n",
			     u->name);
		return;
	}
	(void)printf("  as %s (uid %lu, gid %lu) in %s\n", u->name, (unsigned long)u->uid,
		     (unsigned long)u->gid, u->home);
	if (u->alias[0] != '\0')
		print_alias(u->alias);
	else
		print_dotfile(u);
}

static int explain(const struct route *r, const char *address)
{
	char kept[LIMIT_ADDRESS + 1];
	struct route_to to;
	struct route_user u;
	int found;

	(void)printf("%s\n", address);
	if (addr_parse(address, kept) == -1 ||
	    route_address(r, kept, &to, keep, NULL) == -1) {
		(void)printf("  not an address\n");
		return 100;
	}
	print_steps();
	if (to.kind == ROUTE_REMOTE)
		return 0;
	found = find_user(to.local, &u);
	print_steps();
	if (found == 0) {
		print_user(&u);
		return 0;
	}
	(void)printf("  deferred: %s\n", route_error());
	return 111;
}

/* There the programs of this host ask nobody about addresses. */
static void print_nullclient(void)
{
	char route[LIMIT_ROUTE + 1];
	char *line;

	if (control_line("nullclient", &line) != 1)
		return;
	if (relay_parse(line, route) == 0)
		(void)printf("control/nullclient: sendmail hands all mail to %s\n",
			     route);
	free(line);
}

int main(int argc, char **argv)
{
	static struct route *r;
	int code = 0;
	int first;

	prog_init("qctl-route");
	first = args(usage, args_none, argc, argv);
	if (first == argc)
		die_usage(usage);
	r = route_load();
	if (r == NULL)
		die_msg(EXIT_TEMP, "unable to read %s", route_error());
	print_nullclient();
	for (int i = first; i < argc; i++) {
		int one = explain(r, argv[i]);

		code = one > code ? one : code;
	}
	if (fflush(stdout) == EOF)
		die_sys(EXIT_TEMP, "write");
	return code;
}
