#include "start.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail.h"
#include "prog.h"
#include "session.h"
#include "stamps.h"
#include "template.h"

extern const struct jail_profile jail_qsmtpd;
extern const struct jail_profile jail_qsmtpd_template;

static struct session *s;

static struct {
	int in, out;
	int template; /* -1: none */
} given = {0, 1, -1};

/* The client hears it too (RFC 5321 3.1). */
static void say_sorry(void)
{
	static const char sorry[] = "421 4.3.0 this host cannot take mail now\r\n";

	if (!s->cfg.tls_at_once)
		(void)!write(given.out, sorry, sizeof sorry - 1);
}

static _Noreturn void die_starting(const char *why)
{
	say_sorry();
	die_msg(EXIT_TEMP, "%s", why);
}

/* ---- a template ---- */

/* As it is with a process for each: who comes next finds the files read anew. */
static _Noreturn void end_template(const char *why)
{
	given.out = template_next(given.template);
	if (given.out == -1)
		exit(0);
	say_sorry();
	template_refuse(given.template, 'D');
	die_msg(EXIT_TEMP, "%s", why);
}

/* Returns in a session. */
static void fork_sessions(void)
{
	do {
		given.in = given.out = template_next(given.template);
		if (given.in == -1)
			exit(0);
		if (stamps_have_changed()) {
			template_refuse(given.template, 'A');
			exit(0);
		}
	} while (!template_fork(given.template, given.in));
}

static void as_template(void)
{
	if (stamps_take(s->cfg.submission) == -1)
		end_template("unable to look at the control files");
	if (config_load(&s->cfg) == -1)
		end_template(config_error());
	if (jail_enter(&jail_qsmtpd_template) == -1)
		end_template("unable to close the sandbox");
	fork_sessions();
}

/* ---- a session ---- */

static void for_client(void)
{
	peer_from_environment(&s->peer);
	if (config_for_client(&s->cfg) == -1)
		die_starting(config_error());
	session_init(s, given.in, given.out);
}

static void start_from_template(void)
{
	/* The first four of qsmtpd-template.jail: what is left is qsmtpd.jail. */
	static const int over[] = {SYS_clone, SYS_getpid, SYS_prctl, SYS_setsockopt};

	as_template();
	for_client();
	if (jail_narrow(over, sizeof over / sizeof *over) == -1)
		die_starting("unable to close the sandbox");
}

static void start_alone(void)
{
	if (config_load(&s->cfg) == -1)
		die_starting(config_error());
	for_client();
	if (jail_enter(&jail_qsmtpd) == -1)
		die_starting("unable to close the sandbox");
}

void start(struct session *session, int template)
{
	s = session;
	given.template = template;
	session_prepare(s);
	if (template != -1)
		start_from_template();
	else
		start_alone();
}
