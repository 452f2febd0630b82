/* qgetpw: asks the system's user database.
 *
 * Runs as quoinp. glibc, dynamic, because the user database's modules are. It reads
 * names from qlspawn, qrcpt and the keeper's tools at run/qgetpw/sock, and whatever the
 * modules (files, sss, ldap, …) read. Each look-up is a process with a time limit: a
 * slow one stops no other, and for one name there is never more than one, so that a
 * home that hangs costs one process. It never opens a home (one stat) nor a message.
 *
 *	run/qgetpw/sock	lib/pwask.h: request = name NUL, answer = name NUL "+..." etc.
 *	2		log
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "fdio.h"
#include "jail.h"
#include "paths.h"
#include "person.h"
#include "prog.h"
#include "ready.h"
#include "sbuf.h"
#include "usock.h"

static const char usage[] = "qgetpw [-C dir] [-d fd] [-t seconds]";

extern const struct jail_profile jail_qgetpw;

enum { CLIENTS_MAX = 64, LOOKUPS_MAX = 32, LIMIT_SECONDS = 10, ANSWER_MAX = 4096 };

/* A client is its place in the table; it may wait for many names. */
static int client[CLIENTS_MAX];

static struct lookup {
	char name[LIMIT_USER + 1]; /* "" when free */
	pid_t pid;
	int fd; /* -1: answered; the process has yet to end */
	int64_t deadline;
	unsigned char waits[CLIENTS_MAX];
} lookups[LOOKUPS_MAX];

static int64_t limit_ms;

static void drop_client(int i)
{
	(void)close(client[i]);
	client[i] = -1;
	for (struct lookup *l = lookups; l < lookups + LOOKUPS_MAX; l++)
		l->waits[i] = 0;
}

/* One that does not read its answers is dropped. */
static void tell(int i, const char *name, const char *answer, size_t n)
{
	struct sbuf b = SBUF_INIT(ANSWER_MAX);

	if (sbuf_catz(&b, name) == -1 || sbuf_cat(&b, answer, n) == -1 ||
	    usock_send(client[i], b.p, b.len, -1) == -1)
		drop_client(i);
	sbuf_free(&b);
}

static void settle(struct lookup *l, const char *answer, size_t n)
{
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (l->waits[i] && client[i] != -1)
			tell(i, l->name, answer, n);
	memset(l->waits, 0, sizeof l->waits);
	(void)close(l->fd);
	l->fd = -1;
}

/* A pipe takes an answer whole (PIPE_BUF); none at all means that the process died. */
static void hear_lookup(struct lookup *l)
{
	char buf[ANSWER_MAX - LIMIT_USER - 1];
	ssize_t r = read(l->fd, buf, sizeof buf);

	if (r == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (r > 0)
		settle(l, buf, (size_t)r);
	else
		settle(l, "Z", 1);
}

/* Past its time limit: "later" for all who wait; the process goes when it can. */
static void tick(void)
{
	int64_t now = clock_mono_ms();

	for (struct lookup *l = lookups; l < lookups + LOOKUPS_MAX; l++) {
		if (l->name[0] == '\0')
			continue;
		if (l->fd != -1 && now >= l->deadline) {
			warn_msg("the look-up of %s takes too long", l->name);
			settle(l, "Z", 1);
			(void)kill(l->pid, SIGKILL);
		}
		if (l->fd == -1 && waitpid(l->pid, NULL, WNOHANG) == l->pid)
			l->name[0] = '\0';
	}
}

static struct lookup *find(const char *name)
{
	for (struct lookup *l = lookups; l < lookups + LOOKUPS_MAX; l++)
		if (strcmp(l->name, name) == 0)
			return l;
	return NULL;
}

/* Answered, but not yet gone: a moment for a process that ends by itself. */
static int is_ending(const struct lookup *l)
{
	return l->fd == -1 && clock_mono_ms() < l->deadline;
}

static int start(struct lookup *l, const char *name)
{
	if (person_start(name, &l->pid, &l->fd) == -1)
		return -1;
	memcpy(l->name, name, strlen(name) + 1);
	l->deadline = clock_mono_ms() + limit_ms;
	return 0;
}

static void take_name(int i, const char *name)
{
	struct lookup *l = find(name);

	if (l != NULL && is_ending(l)) {
		(void)waitpid(l->pid, NULL, 0);
		l->name[0] = '\0';
		l = NULL;
	}
	if (l == NULL) {
		l = find("");
		if (l == NULL || start(l, name) == -1) {
			warn_sys2("look up", name);
			tell(i, name, "Z", 1);
			return;
		}
	}
	if (l->fd == -1) /* killed, and still hanging */
		tell(i, name, "Z", 1);
	else
		l->waits[i] = 1;
}

/* A name is what a password file can hold. */
static int is_name(const char *p, ssize_t n)
{
	if (n < 2 || n > LIMIT_USER + 1 || p[n - 1] != '\0')
		return 0;
	for (ssize_t i = 0; i < n - 1; i++)
		if ((unsigned char)p[i] <= ' ' || p[i] == 0x7f || p[i] == ':')
			return 0;
	return 1;
}

static void hear_client(int i)
{
	char buf[LIMIT_USER + 2];
	ssize_t r = usock_recv(client[i], buf, sizeof buf, NULL);

	if (r == -1 && errno == EAGAIN)
		return;
	if (r > 0 && is_name(buf, r)) {
		take_name(i, buf);
		return;
	}
	if (r != 0)
		warn_msg("a client is dropped: not a request");
	drop_client(i);
}

static void take_client(int sock)
{
	int fd = accept4(sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd == -1)
		return;
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (client[i] == -1) {
			client[i] = fd;
			return;
		}
	warn_msg("a client is turned away: more than %d", CLIENTS_MAX);
	(void)close(fd);
}

/* What poll() watches. Without room for a look-up, clients have to wait. */
enum { P_SOCK, P_CLIENTS, P_LOOKUPS = P_CLIENTS + CLIENTS_MAX };
static struct pollfd watched[P_LOOKUPS + LOOKUPS_MAX];

static int fill(int sock)
{
	int room = find("") != NULL;
	int busy = 0;

	watched[P_SOCK] = (struct pollfd){.fd = sock, .events = POLLIN};
	for (int i = 0; i < CLIENTS_MAX; i++)
		watched[P_CLIENTS + i] =
		    (struct pollfd){.fd = room ? client[i] : -1, .events = POLLIN};
	for (int i = 0; i < LOOKUPS_MAX; i++) {
		int used = lookups[i].name[0] != '\0';

		watched[P_LOOKUPS + i] =
		    (struct pollfd){.fd = used ? lookups[i].fd : -1, .events = POLLIN};
		busy |= used;
	}
	return busy;
}

static _Noreturn void serve(int sock)
{
	for (;;) {
		int busy = fill(sock);

		if (poll(watched, sizeof watched / sizeof *watched, busy ? 100 : -1) ==
		    -1) {
			if (errno != EINTR)
				die_sys(EXIT_TEMP, "wait for events");
			continue;
		}
		for (int i = 0; i < LOOKUPS_MAX; i++)
			if (watched[P_LOOKUPS + i].revents != 0)
				hear_lookup(&lookups[i]);
		tick();
		for (int i = 0; i < CLIENTS_MAX; i++)
			if (watched[P_CLIENTS + i].revents != 0 && client[i] != -1)
				hear_client(i);
		if (watched[P_SOCK].revents != 0)
			take_client(sock);
	}
}

static int arguments(int argc, char **argv)
{
	int notify = -1;
	unsigned seconds = LIMIT_SECONDS;
	const struct arg table[] = {
	    {'d', arg_fd, &notify, 0, 0}, {'t', arg_num, &seconds, 0, 3600}, {0}};

	args_only(usage, table, argc, argv);
	limit_ms = (int64_t)seconds * 1000;
	return notify;
}

static int open_socket(void)
{
	int fd = usock_listen("qgetpw", SOCK_SEQPACKET, 0660);

	if (fd == -1)
		die_sys(EXIT_TEMP, "listen at run/qgetpw");
	return fd;
}

int main(int argc, char **argv)
{
	int notify;
	int sock;

	prog_init("qgetpw");
	notify = arguments(argc, argv);
	for (int i = 0; i < CLIENTS_MAX; i++)
		client[i] = -1;
	sock = open_socket();
	person_prepare();
	if (jail_enter(&jail_qgetpw) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	ready_notify(notify);
	serve(sock);
}
