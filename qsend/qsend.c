/* qsend: the scheduler. It takes what qqueue has put into queue/new, hands it in
 * jobs to the spawners of local and remote deliveries, tries again what they
 * deferred, tells the sender of what failed, and removes what is done.
 *
 * Uid:         quoins, alone with qbounce.
 * Descriptors: -L, -R, -B: socket pairs with qlspawn, qrspawn, qbounce; -l: the
 *              lifeline; -d: says ready. All made by qstart.
 * Trusts:      nobody: queue files are checked, frames are checked, a bad file goes to
 *              queue/bad, a spawner that breaks the protocol ends qsend (111).
 * Reads:       head and envelope of a queue file; never the message. control/smtpauth,
 *              of which each job gets the logins of its own next hops.
 * Never:       writes a queue file; syncs or waits in its loop.
 */
#include "sched.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "args.h"
#include "catch.h"
#include "clock.h"
#include "control.h"
#include "jail.h"
#include "log.h"
#include "logout.h"
#include "pick.h"
#include "prog.h"
#include "ready.h"
#include "smtpauth.h"

extern const struct jail_profile jail_qsend;

static const char usage[] = "qsend [-C dir] -l fd -L fd -R fd -B fd [-d fd]";
/* Looks at what may go, before the loop looks for events. */
enum { ROUNDS = 8 };
enum { WAKES_MAX = 256 };
/* FDS as in qsend.jail; FDS_OTHER: doors, directories, big messages, journals that
 * wait for their notification. */
enum { FDS = 4096, FDS_OTHER = 240 };

/* ---- arguments and settings ---- */

static int arguments(struct sched *q, int argc, char **argv)
{
	int notify = -1;
	const struct arg table[] = {{'l', arg_fd, &q->lifeline, 0, 0},
				    {'L', arg_fd, &q->ch[ROUTE_LOCAL].fd, 0, 0},
				    {'R', arg_fd, &q->ch[ROUTE_REMOTE].fd, 0, 0},
				    {'B', arg_fd, &q->bounce, 0, 0},
				    {'d', arg_fd, &notify, 0, 0},
				    {0}};

	q->lifeline = q->bounce = q->ch[ROUTE_LOCAL].fd = q->ch[ROUTE_REMOTE].fd = -1;
	args_only(usage, table, argc, argv);
	if (q->lifeline == -1 || q->bounce == -1 || q->ch[ROUTE_LOCAL].fd == -1 ||
	    q->ch[ROUTE_REMOTE].fd == -1)
		die_usage(usage);
	return notify;
}

/* A message under way may hold two descriptors in each channel. */
static unsigned small_places(void)
{
	struct rlimit l;
	rlim_t n;

	if (getrlimit(RLIMIT_NOFILE, &l) == -1)
		die_sys(EXIT_TEMP, "read the limit of descriptors");
	l.rlim_cur = l.rlim_max < FDS ? l.rlim_max : FDS;
	if (setrlimit(RLIMIT_NOFILE, &l) == -1)
		die_sys(EXIT_TEMP, "raise the limit of descriptors");
	if (l.rlim_cur < 4 * FDS_OTHER)
		die_msg(EXIT_PERM, "%d descriptors are needed at least", 4 * FDS_OTHER);
	n = (l.rlim_cur - FDS_OTHER) / 4;
	return n < SMALL_PLACES ? (unsigned)n : SMALL_PLACES;
}

static void init_channels(struct sched *q)
{
	static const struct {
		const char *name;
		unsigned skip;
	} is[CHANNELS] = {[ROUTE_LOCAL] = {"local", RETRY_SKIP_LOCAL},
			  [ROUTE_REMOTE] = {"remote", RETRY_SKIP_REMOTE}};
	unsigned places = small_places();

	for (int i = 0; i < CHANNELS; i++) {
		struct channel *c = &q->ch[i];

		c->kind = (enum route_kind)i;
		c->name = is[i].name;
		c->skip = is[i].skip;
		c->lanes[0].places = places;
		c->lanes[1].places = BIG_PLACES;
	}
}

static void tick(struct sched *q)
{
	int64_t step = clocks_tick(&q->now, clock_wall_ns(), clock_mono_ms());

	if (step != 0)
		warn_msg("the clock has stepped by %lld s", (long long)step);
}

static void use_conf(struct sched *q)
{
	log_style(q->conf.qmail_log);
	for (int i = 0; i < CHANNELS; i++)
		jobs_limit(&q->ch[i], q->conf.concurrency[i]);
}

static void configure(struct sched *q)
{
	if (conf_load(&q->conf) == -1)
		die_msg(EXIT_TEMP, "%s", conf_error());
	dests_init(&q->dests);
	if (dests_load(&q->dests) == -1)
		die_msg(EXIT_TEMP, "%s", control_error());
	q->route = route_load();
	if (q->route == NULL)
		die_msg(EXIT_TEMP, "%s", route_error());
	q->smtpauth = smtpauth_load();
	if (q->smtpauth == NULL)
		die_msg(EXIT_TEMP, "%s", control_error());
	use_conf(q);
	if (tell_load(&q->tell) == -1)
		die_msg(EXIT_TEMP, "%s", tell_error());
}

/* ---- signals ---- */

static int open_signals(void)
{
	static const int signals[] = {SIGHUP, SIGALRM, SIGTERM, SIGINT, SIGCHLD, 0};

	(void)signal(SIGPIPE, SIG_IGN);
	return catch_signals(signals, NULL);
}

static void reread_smtpauth(struct sched *q)
{
	struct smtpauth *a = smtpauth_load();

	if (a == NULL) {
		warn_msg("keeping the old logins at other hosts: %s", control_error());
		return;
	}
	smtpauth_free(q->smtpauth);
	q->smtpauth = a;
}

static void reread(struct sched *q)
{
	struct route *r = route_load();

	if (r == NULL)
		warn_msg("keeping the old routes: %s", route_error());
	else {
		route_free(q->route);
		q->route = r;
		q->rerouted = 1;
	}
	reread_smtpauth(q);
	if (conf_load(&q->conf) == -1)
		warn_msg("keeping the old settings: %s", conf_error());
	if (tell_load(&q->tell) == -1)
		warn_msg("keeping the old settings of notifications: %s", tell_error());
	if (dests_load(&q->dests) == -1)
		warn_msg("keeping the old settings: %s", control_error());
	use_conf(q);
}

static void stop(struct sched *q)
{
	if (q->stopping)
		return;
	q->stopping = 1;
	q->stop_at = q->now.mono_ms + STOP_WAIT * 1000;
	log_status(q);
}

static void take_signals(struct sched *q)
{
	int sig;

	while ((sig = sigfd_next(q->signals)) != 0)
		switch (sig) {
		case SIGHUP:
			reread(q);
			break;
		case SIGALRM:
			(void)picks_retry_all(q);
			break;
		case SIGCHLD:
			door_reap();
			break;
		default:
			stop(q);
		}
}

/* ---- the loop ---- */

enum {
	P_LIFE,
	P_SIGNALS,
	P_SYNCER,
	P_LOCAL,
	P_REMOTE,
	P_BOUNCE,
	P_WAKE,
	P_CTL,
	P_LIST,
	P_FIXED
};

static size_t fill_poll(struct sched *q, struct pollfd *p)
{
	const short out = POLLIN | POLLOUT;

	p[P_LIFE] = (struct pollfd){q->lifeline, POLLIN, 0};
	p[P_SIGNALS] = (struct pollfd){q->signals, POLLIN, 0};
	p[P_SYNCER] = (struct pollfd){q->syncer.fd, POLLIN, 0};
	p[P_LOCAL] = (struct pollfd){q->ch[ROUTE_LOCAL].fd,
				     q->ch[ROUTE_LOCAL].full ? out : POLLIN, 0};
	p[P_REMOTE] = (struct pollfd){q->ch[ROUTE_REMOTE].fd,
				      q->ch[ROUTE_REMOTE].full ? out : POLLIN, 0};
	p[P_BOUNCE] = (struct pollfd){q->bounce, q->bounce_full ? out : POLLIN, 0};
	p[P_WAKE] = (struct pollfd){q->wake, POLLIN, 0};
	p[P_CTL] = (struct pollfd){q->ctl, POLLIN, 0};
	p[P_LIST] = (struct pollfd){q->list, POLLIN, 0};
	return P_FIXED + door_poll(q, p + P_FIXED);
}

static void drain_wakes(struct sched *q)
{
	char byte;

	for (int n = 0; n < WAKES_MAX && recv(q->wake, &byte, 1, MSG_DONTWAIT) >= 0; n++)
		;
	q->scan = 1;
}

static void serve_spawner(struct sched *q, int kind, short revents)
{
	struct channel *c = &q->ch[kind];

	if (revents & POLLOUT)
		c->full = 0;
	if ((revents & ~POLLOUT) && report_take(q, c) == -1)
		die_msg(EXIT_TEMP, "the %s spawner is gone, or does not make sense",
			c->name);
}

static void serve(struct sched *q, const struct pollfd *p, size_t n)
{
	if (p[P_LIFE].revents != 0)
		die_msg(EXIT_TEMP, "qstart is gone");
	if (p[P_SIGNALS].revents != 0)
		take_signals(q);
	if (p[P_SYNCER].revents != 0)
		syncer_finish(&q->syncer);
	serve_spawner(q, ROUTE_LOCAL, p[P_LOCAL].revents);
	serve_spawner(q, ROUTE_REMOTE, p[P_REMOTE].revents);
	if (p[P_BOUNCE].revents & POLLOUT)
		q->bounce_full = 0;
	if ((p[P_BOUNCE].revents & ~POLLOUT) && notify_take(q) == -1)
		die_msg(EXIT_TEMP, "qbounce is gone, or does not make sense");
	if (p[P_WAKE].revents != 0)
		drain_wakes(q);
	door_serve(q, p + P_FIXED, n - P_FIXED);
	if (p[P_CTL].revents != 0)
		door_accept(q, q->ctl, 1);
	if (p[P_LIST].revents != 0)
		door_accept(q, q->list, 0);
}

static int is_idle(const struct sched *q)
{
	return q->ch[ROUTE_LOCAL].running == 0 && q->ch[ROUTE_REMOTE].running == 0 &&
	       bounces_running() == 0 && q->syncer.pending == 0;
}

static void work(struct sched *q)
{
	if (q->now.mono >= q->next_scan)
		q->scan = 1;
	if (q->scan)
		scan_new(q);
	if (settle_stuck() > 0 && q->now.mono >= q->next_settle) {
		q->next_settle = q->now.mono + REST;
		settle_again(q);
	}
	if (q->now.mono >= q->next_look)
		turns_look(q);
	/* What is started may leave a seat to others, and they a place. */
	for (int i = 0; i == 0 || (i < ROUNDS && q->dests.stirred.head != NULL); i++) {
		turns_give(q);
		admit(q);
		jobs_start(q, &q->ch[ROUTE_LOCAL]);
		jobs_start(q, &q->ch[ROUTE_REMOTE]);
	}
	notify_push(q);
}

static void run(struct sched *q)
{
	struct pollfd p[P_FIXED + CLIENTS];

	for (;;) {
		struct timespec t;
		size_t n;
		int ready;

		if (!q->stopping)
			work(q);
		else if (is_idle(q) || q->now.mono_ms >= q->stop_at)
			return;
		n = fill_poll(q, p);
		t = longest_wait(q);
		logout_flush();
		ready = ppoll(p, n, &t, NULL);
		if (ready == -1 && errno != EINTR)
			die_sys(EXIT_TEMP, "wait");
		tick(q);
		if (ready > 0)
			serve(q, p, n);
	}
}

int main(int argc, char **argv)
{
	static struct sched q;
	int notify;
	int journals;

	prog_init("qsend");
	notify = arguments(&q, argc, argv);
	init_channels(&q);
	configure(&q);
	journals = queue_open(&q);
	q.signals = open_signals();
	if (jail_enter(&jail_qsend) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	if (syncer_start(&q.syncer) == -1)
		die_sys(EXIT_TEMP, "start threads");
	tick(&q);
	if (scan_start(&q) == -1)
		die_sys(EXIT_TEMP, "read the queue");
	(void)close(journals);
	log_begin(&q);
	ready_notify(notify);
	logout_hold();
	run(&q);
	logout_flush();
	return 0;
}
