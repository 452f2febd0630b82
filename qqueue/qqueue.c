/* qqueue: writes queue files; nothing else creates one.
 *
 * Who:       quoinq, long-lived, one process; a loop and some threads that wait for
 *	      the disk.
 * Born with: standard error for its log; everything else it opens itself before its
 *	      sandbox closes: the lock queue/qlock, the directories queue/tmp, queue/new
 *	      and queue/sending, its socket run/qqueue.
 * Trusts:    the kernel's word on who has connected; uids given by -t (and root) on
 *	      the client address and the login in an envelope. Nobody's bytes.
 * Promises:  a client that read K has its message in queue/new, durable. One that
 *	      did not: at worst the message is there all the same.
 * Never:     reads a message (but for its Message-ID, to log it), runs a program,
 *	      opens a network socket, waits for a client, for qsend or for the disk
 *	      in its loop, or goes down because of a client.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args.h"
#include "catch.h"
#include "clock.h"
#include "control.h"
#include "jail.h"
#include "num.h"
#include "paths.h"
#include "prog.h"
#include "ready.h"
#include "server.h"
#include "usock.h"
#include "wake.h"

static const char usage[] = "qqueue [-C dir] [-d fd] [-t uid ...] [-w workers]";

/* Descriptors: those of the program itself; a client has two, its socket and its file. */
enum { NOFILE_WANTED = 4096, NOFILE_OWN = 24, NOFILE_CLIENT = 2 };

/* Defaults of the control files; the envelopes' limit is one of memory. */
enum { CONNS_OF_USER = 100, IDLE_SECONDS = 600 };
static const uint64_t free_floor = 16 << 20, bytes_of_user = 1 << 30,
		      envelopes_of_user = 4 * LIMIT_ENVELOPE;

extern const struct jail_profile jail_qqueue;

static _Noreturn void die_config(void)
{
	die_msg(EXIT_TEMP, "unable to read %s", control_error());
}

static void queue_path(char out[LIMIT_PATH], const char *name)
{
	if (path_join(out, LIMIT_PATH, paths.queue, name) == NULL)
		die_sys2(EXIT_PERM, "use path", paths.queue);
}

/* ---- arguments and configuration ---- */

static int arg_trust(const struct arg *a, const char *word)
{
	uint64_t uid;

	if (num_parse(word, UINT32_MAX, &uid) == -1)
		return -1;
	if (quota_trust(a->to, (uid_t)uid) == -1)
		die_msg(EXIT_PERM, "too many -t");
	return 0;
}

static int arguments(struct server *s, int argc, char **argv)
{
	int notify = -1;
	const struct arg table[] = {{'d', arg_fd, &notify, 0, 0},
				    {'t', arg_trust, &s->quota, 0, 0},
				    {'w', arg_num, &s->opt.workers, 1, WORKERS_MAX},
				    {0}};

	s->opt.workers = WORKERS;
	args_only(usage, table, argc, argv);
	return notify;
}

static uint64_t setting(const char *name, uint64_t max, uint64_t value)
{
	if (control_num(name, max, &value) == -1)
		die_config();
	return value;
}

static void configure(struct server *s)
{
	s->opt.free_floor = setting("queuefree", INT64_MAX, free_floor);
	s->opt.idle_ms = setting("queueidle", 86400, IDLE_SECONDS) * 1000;
	s->quota.limit.conns = setting("queueconns", 1000000, CONNS_OF_USER);
	s->quota.limit.bytes = setting("queuebytes", INT64_MAX, bytes_of_user);
	s->quota.limit.envelopes = envelopes_of_user;
	if (sending_load(&s->sending) == -1)
		die_config();
}

/* As many descriptors as we may have, and from them how many clients. */
static void count_descriptors(struct server *s)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		die_sys(EXIT_TEMP, "read limits");
	if (r.rlim_cur < NOFILE_WANTED) {
		r.rlim_cur = r.rlim_max < NOFILE_WANTED ? r.rlim_max : NOFILE_WANTED;
		if (setrlimit(RLIMIT_NOFILE, &r) == -1)
			die_sys(EXIT_TEMP, "raise limit of descriptors");
	}
	if (r.rlim_cur > NOFILE_WANTED)
		r.rlim_cur = NOFILE_WANTED;
	if (r.rlim_cur < NOFILE_OWN + s->opt.workers + NOFILE_CLIENT)
		die_msg(EXIT_TEMP, "the limit of descriptors is too low");
	s->conns_max = (r.rlim_cur - NOFILE_OWN - s->opt.workers) / NOFILE_CLIENT;
	s->quota.untrusted_max = s->conns_max - s->conns_max / 4;
}

/* ---- opening ---- */

static void lock_queue(struct server *s)
{
	char path[LIMIT_PATH];

	queue_path(path, "qlock");
	if (ids_open(&s->ids, path) == -1) {
		if (errno == EWOULDBLOCK)
			die_msg(EXIT_TEMP, "another qqueue holds %s", path);
		die_sys2(EXIT_TEMP, "lock", path);
	}
	if (s->ids.garbled)
		warn_msg("%s is garbled: ids begin at the clock's time", path);
}

/* What is in tmp/ was promised to nobody: its clients saw the end of file. */
static void clean_tmp(int tmp_dir)
{
	DIR *d = fdopendir(dup(tmp_dir));
	struct dirent *e;

	if (d == NULL)
		die_sys(EXIT_TEMP, "read queue/tmp");
	while (errno = 0, (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    unlinkat(tmp_dir, e->d_name, 0) == -1)
			warn_sys2("remove from queue/tmp", e->d_name);
	if (errno != 0)
		die_sys(EXIT_TEMP, "read queue/tmp");
	(void)closedir(d);
}

static void open_queue(struct server *s)
{
	char path[LIMIT_PATH];

	queue_path(path, "tmp");
	s->tmp_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->tmp_dir == -1)
		die_sys2(EXIT_TEMP, "open", path);
	clean_tmp(s->tmp_dir);
	queue_path(path, "new");
	for (unsigned i = 0; i < s->opt.workers; i++) {
		s->new_dirs[i] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (s->new_dirs[i] == -1)
			die_sys2(EXIT_TEMP, "open", path);
	}
}

static void open_sockets(struct server *s)
{
	s->listen_fd = usock_listen("qqueue", SOCK_STREAM, 0666);
	if (s->listen_fd == -1)
		die_sys(EXIT_TEMP, "listen at run/qqueue");
	s->wake_fd = wake_open();
	if (s->wake_fd == -1)
		die_sys(EXIT_TEMP, "make a socket");
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd == -1)
		die_sys(EXIT_TEMP, "make an epoll descriptor");
	if (syncer_open(&s->syncer, s->opt.workers) == -1)
		die_sys(EXIT_TEMP, "make an event descriptor");
}

static void open_signals(struct server *s)
{
	static const int signals[] = {SIGTERM, SIGINT, 0};

	s->signal_fd = catch_signals(signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a write then says EFBIG */
	(void)signal(SIGHUP, SIG_IGN);
}

int main(int argc, char **argv)
{
	static struct server s;
	int notify;

	prog_init("qqueue");
	notify = arguments(&s, argc, argv);
	configure(&s);
	count_descriptors(&s);
	(void)umask(027); /* files 0640: their group, the directory's, may read */
	lock_queue(&s);
	open_queue(&s);
	counts_open(&s.counts, &s.sending, clock_mono_ms());
	open_sockets(&s);
	open_signals(&s);
	if (jail_enter(&jail_qqueue) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	if (server_start(&s) == -1)
		die_sys(EXIT_TEMP, "start threads");
	wake_qsend(s.wake_fd); /* a predecessor that was killed may have owed it */
	ready_notify(notify);
	if (server_run(&s) == -1)
		die_sys(EXIT_TEMP, "wait for events");
	return 0;
}
