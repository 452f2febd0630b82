#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "clock.h"
#include "conn.h"
#include "prog.h"
#include "sigfd.h"
#include "wake.h"

enum {
	EVENTS_A_ROUND = 64,
	ACCEPT_PAUSE_MS = 500, /* no descriptors or memory: others may give some back */
	TICK_MS = 1000,
	ROOM_MS = 10,
	END_MS = 20 * 1000, /* for what has begun when SIGTERM comes */
	IDLE_END_MS = 500,  /* for an envelope that is on its way then */
};

int server_watch(struct server *s, int fd, struct source *source, uint32_t old,
		 uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = source};
	int op = old == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;

	return epoll_ctl(s->epoll_fd, op, fd, &e);
}

const char *server_shortage(const struct server *s)
{
	struct statvfs v;

	if (fstatvfs(s->tmp_dir, &v) == -1)
		return "unable to look at the queue's file system";
	if (v.f_bavail < s->opt.free_floor / v.f_frsize)
		return "the queue's file system is full";
	/* Some file systems do not count files. */
	if (v.f_files > 0 && v.f_favail == 0)
		return "the queue's file system has no free inodes";
	return NULL;
}

/* A file system that had room some milliseconds ago, and got no message since, has it
 * still. */
const char *server_refusal(struct server *s)
{
	const char *why;

	if (s->end_at != 0)
		return "the queue is shutting down";
	if (s->now < s->look_at)
		return NULL;
	why = server_shortage(s);
	if (why == NULL)
		s->look_at = s->now + ROOM_MS;
	return why;
}

/* ---- accepting ---- */

/* Nothing is accepted for ms, and until a place is free. */
static int pause_accept(struct server *s, int ms)
{
	s->accept_at = s->now + ms;
	return server_watch(s, s->listen_fd, &s->listener, EPOLLIN, 0);
}

static int resume_accept(struct server *s)
{
	if (s->accept_at == 0 || s->end_at != 0 || s->now < s->accept_at ||
	    s->nconns >= s->conns_max)
		return 0;
	s->accept_at = 0;
	return server_watch(s, s->listen_fd, &s->listener, 0, EPOLLIN);
}

static int is_shortage(int e)
{
	return e == EMFILE || e == ENFILE || e == ENOBUFS || e == ENOMEM;
}

/* One a round: mostly there is no other, and to hear that is a call. */
static void on_connect(struct server *s, struct source *source, uint32_t events)
{
	int fd;

	(void)source;
	(void)events;
	if (s->end_at != 0)
		return;
	if (s->nconns >= s->conns_max) {
		(void)pause_accept(s, 0);
		return;
	}
	fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd == -1 && is_shortage(errno)) {
		warn_sys("accept a connection");
		(void)pause_accept(s, ACCEPT_PAUSE_MS);
	}
	if (fd != -1)
		conn_open(s, fd);
}

/* ---- ending ---- */

static void on_signal(struct server *s, struct source *source, uint32_t events)
{
	(void)source;
	(void)events;
	if (sigfd_next(s->signal_fd) == 0)
		return;
	if (s->end_at != 0) {
		s->end_at = s->now; /* the second time: now */
		return;
	}
	s->end_at = s->now + END_MS;
	(void)close(s->listen_fd);
	for (struct conn *c = s->conns, *next; c != NULL; c = next) {
		next = c->next;
		if (conn_is_idle(c))
			conn_withdraw(c, s->now + IDLE_END_MS);
	}
}

/* ---- the loop ---- */

static void on_finished(struct server *s, struct source *source, uint32_t events)
{
	(void)source;
	(void)events;
	syncer_finish(&s->syncer);
}

static void close_silent(struct server *s)
{
	for (struct conn *c = s->conns, *next; c != NULL; c = next) {
		next = c->next;
		if (c->state != CONN_SYNCING && s->now >= c->deadline)
			conn_close(c);
	}
}

static int wait_ms(const struct server *s)
{
	if (s->end_at != 0)
		return IDLE_END_MS;
	return s->conns != NULL || s->accept_at != 0
		   ? TICK_MS
		   : clock_left_ms(counts_due(&s->counts, &s->sending));
}

static int one_round(struct server *s)
{
	struct epoll_event events[EVENTS_A_ROUND];
	int n = epoll_wait(s->epoll_fd, events, EVENTS_A_ROUND, wait_ms(s));

	if (n == -1 && errno != EINTR)
		return -1;
	s->now = clock_mono_ms();
	for (int i = 0; i < n; i++) {
		struct source *source = events[i].data.ptr;

		source->ready(s, source, events[i].events);
	}
	if (s->committed)
		wake_qsend(s->wake_fd);
	s->committed = 0;
	if (s->now >= s->tick_at) {
		close_silent(s);
		s->tick_at = s->now + (s->end_at != 0 ? IDLE_END_MS : TICK_MS);
	}
	conn_free_dead(s);
	counts_tick(&s->counts, &s->sending, &s->syncer, s->now);
	return resume_accept(s);
}

int server_start(struct server *s)
{
	s->listener.ready = on_connect;
	s->signals.ready = on_signal;
	s->finished.ready = on_finished;
	s->now = clock_mono_ms();
	if (server_watch(s, s->listen_fd, &s->listener, 0, EPOLLIN) == -1 ||
	    server_watch(s, s->signal_fd, &s->signals, 0, EPOLLIN) == -1 ||
	    server_watch(s, s->syncer.fd, &s->finished, 0, EPOLLIN) == -1)
		return -1;
	return syncer_start(&s->syncer);
}

static int is_busy(const struct server *s)
{
	return s->nconns > 0 || s->counts.writing;
}

int server_run(struct server *s)
{
	while (s->end_at == 0 || (is_busy(s) && s->now < s->end_at))
		if (one_round(s) == -1)
			return -1;
	ids_close(&s->ids);
	counts_close(&s->counts, &s->sending, s->now);
	return 0;
}
