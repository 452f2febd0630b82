#include "child.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "dns.h"
#include "prog.h"
#include "qlog.h"
#include "serve.h"
#include "stem.h"
#include "table.h"
#include "tcprule.h"
#include "ucspi.h"

enum { LOOK_UP_MS = 10000 };

/* Everything about the connection at hand. Static: one at a time. */
static struct {
	struct endpoint local;
	struct endpoint remote;
	char host[LIMIT_DOMAIN + 1];
	struct ucspi env;
} conn;

static int describe(const struct options *o, int fd, const struct sockaddr *remote)
{
	struct sockaddr_storage local;
	socklen_t len = sizeof local;

	if (getsockname(fd, (struct sockaddr *)&local, &len) == -1)
		return -1;
	endpoint_set(&conn.local, (struct sockaddr *)&local);
	endpoint_set(&conn.remote, remote);
	ucspi_init(&conn.env, environ);
	return ucspi_connection(&conn.env, &conn.local, o->local_host, &conn.remote,
				conn.host[0] != '\0' ? conn.host : NULL);
}

static void log_refusal(const char *why, const char *key)
{
	struct qlog l;

	qlog_begin(&l, "refuse");
	qlog_str(&l, "reason", why);
	qlog_str(&l, "client", conn.remote.ip);
	qlog_str(&l, "rule", key);
	qlog_end(&l);
}

static int obey(const char *rule, size_t len, const char *key)
{
	const char *var;
	size_t at = 0;

	if (tcprule_denies(rule, len)) {
		log_refusal("rule", key);
		return 0;
	}
	while (tcprule_next(rule, len, &at, &var))
		if (ucspi_put(&conn.env, var) == -1)
			return -1;
	return 1;
}

/* 1 welcome, 0 refused; a table that cannot be read refuses all, -1. */
static int judge(const struct options *o)
{
	struct tcprule_client c = {conn.remote.ip,
				   conn.host[0] != '\0' ? conn.host : NULL, NULL};
	char key[TCPRULE_KEY];
	const char *rule;
	struct table t;
	size_t len;
	int r;

	if (o->rules == NULL)
		return 1;
	r = table_open(&t, o->rules);
	if (r != 1)
		return r == 0 ? 1 : -1;
	r = tcprule_find(&t, &c, &rule, &len, key);
	r = r == 1 ? obey(rule, len, key) : r == 0 ? 1 : -1;
	table_close(&t);
	return r;
}

static _Noreturn void become(const struct options *o, int fd, const sigset_t *mask)
{
	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	if (dup2(fd, 0) == -1 || dup2(fd, 1) == -1)
		_exit(EXIT_TEMP);
	execvpe(o->program[0], o->program, conn.env.vars);
	warn_sys2("run", o->program[0]);
	_exit(EXIT_TEMP);
}

static void look_up(const struct sockaddr *remote)
{
	static struct dns dns;
	static struct dns_answer answer;
	const struct sockaddr_in *in = (const void *)remote;
	const struct sockaddr_in6 *in6 = (const void *)remote;
	const uint8_t *ip = (const void *)&in->sin_addr;
	int family = AF_INET;

	if (remote->sa_family == AF_INET6) {
		int mapped = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);

		ip = in6->sin6_addr.s6_addr + (mapped ? 12 : 0);
		family = mapped ? AF_INET : AF_INET6;
	}
	if (dns_init(&dns) == -1 || dns_ptr(&dns, family, ip, 0, &answer, conn.host,
					    clock_mono_ms() + LOOK_UP_MS) != 1)
		conn.host[0] = '\0';
}

/* The name of the client, the rules about it, and the program: all in the child, since
 * DNS may take its time. */
static _Noreturn void look_up_and_become(const struct options *o, int fd,
					 const struct sockaddr *remote,
					 const sigset_t *mask)
{
	look_up(remote);
	if (describe(o, fd, remote) == -1 || judge(o) != 1)
		_exit(0);
	become(o, fd, mask);
}

pid_t child_start(const struct options *o, int fd, const struct sockaddr *remote,
		  const sigset_t *mask)
{
	pid_t pid;
	int r;

	if (o->look_up) {
		pid = fork();
		if (pid == 0)
			look_up_and_become(o, fd, remote, mask);
		return pid;
	}
	if (describe(o, fd, remote) == -1 || (r = judge(o)) == -1)
		return -1;
	if (r == 0)
		return 0;
	if (o->template)
		return stem_session(o, fd, &conn.env, mask);
	/* Half the price of fork(), and four calls fewer than posix_spawn(). The child
	 * changes only what is its own: descriptors, signals. */
	/* NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork)
	 */
	pid = vfork();
	if (pid == 0)
		become(o, fd, mask);
	/* NOLINTEND(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork)
	 */
	return pid;
}
