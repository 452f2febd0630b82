#include "ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "judge.h"
#include "paths.h"
#include "prog.h"
#include "pwrec.h"
#include "qlog.h"
#include "rules.h"
#include "stem.h"
#include "table.h"
#include "usock.h"

struct ask *asks; /* in the order of their arrival */

static const struct owner *judge_owner;

static const char away[] = "Passwords cannot be judged now.";
static const char no_server[] = "The server cannot be started now.";

void ask_init(const struct owner *judge)
{
	judge_owner = judge;
}

/* ---- the answer ---- */

static void log_who(struct qlog *l, const struct ask *a)
{
	qlog_str(l, "service", a->want.service);
	qlog_str(l, "client", a->want.client);
	qlog_str(l, "user", a->want.user);
}

/* One that does not read its answer is not waited for. */
static void finish(struct ask *a, char letter, const char *text)
{
	char frame[LIMIT_TEXT + 2];
	size_t n = strlen(text) + 1;

	frame[0] = letter;
	memcpy(frame + 1, text, n);
	if (a->fd != -1)
		(void)usock_send(a->fd, frame, 1 + n, -1);
	a->state = OVER;
}

static void later(struct ask *a, const char *text, const char *reason)
{
	struct qlog l;

	qlog_begin(&l, "login-later");
	log_who(&l, a);
	qlog_str(&l, "reason", reason);
	qlog_end(&l);
	finish(a, 'Z', text);
}

static void wrong(struct ask *a)
{
	struct qlog l;
	unsigned n =
	    throttle_failed(&a->key, a->want.user, a->want.password, clock_mono_ms());

	qlog_begin(&l, "login-failed");
	log_who(&l, a);
	qlog_num(&l, "count", n);
	qlog_end(&l);
	finish(a, n >= THROTTLE_CUT ? 'C' : '-', AUTH_WRONG);
}

/* pid: of the server, or 0. */
static void right(struct ask *a, const char *account, pid_t pid)
{
	struct qlog l;

	qlog_begin(&l, "login");
	log_who(&l, a);
	if (pid != 0)
		qlog_num(&l, "pid", (uint64_t)pid);
	qlog_end(&l);
	finish(a, '+', account);
}

/* ---- the server ---- */

static struct child *child_of(const struct ask *a)
{
	struct child *c = children;

	while (c != NULL && c->ask != a)
		c = c->next;
	return c;
}

static int start_server(struct ask *a, const char *account, const struct pwrec *r)
{
	const struct owner owner = {r->uid, r->gid};
	struct words words;
	struct child *c;

	if (words_server(&words, a->want.service, a->want.word) == -1)
		return -1;
	c = child_serve(&words, &a->want, account, &owner, r->home, &a->started);
	if (c == NULL)
		return -1;
	c->ask = a;
	c->until = clock_mono_ms() + START_MS;
	a->state = STARTING;
	return 0;
}

/* The built-in judge says yes: whose number and home are these? */
static void serve(struct ask *a, const char *account)
{
	char path[LIMIT_PATH];
	struct pwrec r;
	char *value = NULL;
	size_t n = 0;

	if (path_join(path, sizeof path, paths.users, "passwd.cdb") == NULL ||
	    table_lookup(path, account, strlen(account), &value, &n) != 1 ||
	    pwrec_get(&r, value, n) == -1)
		later(a, no_server, "account");
	else if (start_server(a, account, &r) == -1) {
		warn_sys2("start a server for", account);
		later(a, no_server, "start");
	}
	if (value != NULL)
		explicit_bzero(value, n); /* hashes are in it */
	free(value);
}

void ask_hear_server(struct ask *a)
{
	struct child *c = child_of(a);
	char account[LIMIT_LOGIN + 1];
	char failed;
	ssize_t r = read(a->started, &failed, 1);

	if (r == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (r != 0 || pwrec_key(a->want.user, account, sizeof account) == -1)
		later(a, no_server, "start");
	else
		right(a, account, c != NULL ? c->pid : 0);
	if (c != NULL) {
		c->ask = NULL;
		c->until = CLOCK_NEVER;
	}
}

static void hand_over(struct ask *a, struct child *c, const char *account)
{
	if (child_hand_over(c, a->session) == -1) {
		warn_sys2("hand a session to the server of", account);
		later(a, no_server, "start");
		return;
	}
	c->until = CLOCK_NEVER;
	(void)snprintf(c->name, sizeof c->name, "%s", account);
	right(a, account, c->pid);
}

/* ---- the judge's word ---- */

static void said_yes(struct ask *a, struct child *c)
{
	char account[LIMIT_LOGIN + 1];

	if (pwrec_key(a->want.user, account, sizeof account) == -1 ||
	    strcmp(account, "root") == 0)
		wrong(a);
	else if (a->fd == -1) /* taken back */
		a->state = OVER;
	else if (!a->door->is_login)
		right(a, account, 0);
	else if (child_count(0) >= rules.servers)
		later(a, no_server, "servers");
	else if (child_servers_of(account) >= rules.each)
		later(a, "Too many sessions of this account.", "usersessions");
	else if (c->is_foreign)
		hand_over(a, c, account);
	else
		serve(a, account);
}

void ask_hear_judge(struct child *c)
{
	char buf[sizeof JUDGE_YES];
	struct ask *a = c->ask;
	ssize_t r = usock_recv(c->report, buf, sizeof buf, NULL);

	if (r == -1 && errno == EAGAIN)
		return;
	if (r == 1 && buf[0] == JUDGE_YES[0] && a != NULL) {
		c->ask = NULL;
		said_yes(a, c);
	}
	child_close(c);
}

/* The checkpassword interface: 1 is wrong, 2 misused, 111 later; what it ends by else
 * says nothing about the password. */
static void judged(struct ask *a, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		wrong(a);
	else if (WIFEXITED(status)) {
		warn_msg("the judge exits %d without a yes or a no", WEXITSTATUS(status));
		later(a, away, "judge");
	} else {
		warn_msg("the judge ends by signal %d", WTERMSIG(status));
		later(a, away, "judge");
	}
}

void ask_reap(void)
{
	struct child *c;
	int status;

	while ((c = child_reap(&status)) != NULL) {
		if (c->is_judge && c->report != -1)
			ask_hear_judge(c); /* its last word */
		if (c->is_judge && c->ask != NULL)
			judged(c->ask, status);
		stem_heard(c, status);
		if (!c->is_judge && !c->is_stem && WIFSIGNALED(status))
			warn_msg("the server of %s (pid %ld) ends by signal %d", c->name,
				 (long)c->pid, WTERMSIG(status));
		child_free(c);
	}
}

/* ---- turns ---- */

/* Who has failed least, and of these came first. */
static struct ask *next_queued(void)
{
	struct ask *best = NULL;
	unsigned least = 0;

	for (struct ask *a = asks; a != NULL; a = a->next) {
		unsigned n;

		if (a->state != QUEUED)
			continue;
		n = throttle_failures(&a->key, clock_mono_ms());
		if (best == NULL || n < least) {
			best = a;
			least = n;
		}
	}
	return best;
}

static struct child *run_checker(const struct ask *a, const char *checker)
{
	struct words words;
	struct words server;
	struct child *c = NULL;
	char *line = strdup(checker);

	if (line != NULL &&
	    (!a->door->is_login ||
	     words_server(&server, a->want.service, a->want.word) == 0) &&
	    words_checker(&words, line, a->door->is_login ? &server : NULL) == 0)
		c = child_judge(&words, &a->want, NULL);
	if (c != NULL)
		c->is_foreign = 1;
	free(line);
	return c;
}

static struct child *run_builtin(const struct ask *a)
{
	struct words words;
	struct child *c = stem_judge(&a->want, judge_owner);

	if (c != NULL)
		return c;
	return words_builtin(&words) == -1 ? NULL
					   : child_judge(&words, &a->want, judge_owner);
}

static void judge(struct ask *a)
{
	struct child *c =
	    rules.checker != NULL ? run_checker(a, rules.checker) : run_builtin(a);

	if (c == NULL) {
		warn_sys("start a judge");
		later(a, away, "judge");
		return;
	}
	c->ask = a;
	c->until = clock_mono_ms() + rules.ms;
	a->state = JUDGED;
}

static void await_turn(struct ask *a, int64_t now)
{
	int64_t turn = throttle_turn(&a->key, now);

	if (turn == -1) {
		later(a, "Too many wrong passwords; try again in a while.", "pause");
		return;
	}
	a->state = HELD;
	a->until = turn;
	a->has_waited = turn > now;
}

/* Others of its client may have failed since it came. */
static void assign(void)
{
	int64_t now = clock_mono_ms();
	struct ask *a;

	while (child_count(1) < rules.judges && (a = next_queued()) != NULL)
		if (!a->has_waited && throttle_failures(&a->key, now) >= THROTTLE_FREE)
			await_turn(a, now);
		else
			judge(a);
}

/* ---- a request ---- */

void ask_new(struct door *d, int fd)
{
	struct ask *a = calloc(1, sizeof *a);
	struct ask **at = &asks;

	if (a == NULL) {
		warn_sys("take a request");
		(void)close(fd);
		return;
	}
	a->door = d;
	a->fd = fd;
	a->session = a->started = -1;
	a->until = clock_mono_ms() + REQUEST_MS;
	while (*at != NULL)
		at = &(*at)->next;
	*at = a;
	d->n++;
}

/* The door says what may be asked there. */
static int is_for_door(const struct ask *a)
{
	if (a->door->is_login)
		return a->session != -1;
	return a->session == -1 && strcmp(a->want.service, "smtp") == 0;
}

static int take(struct ask *a, size_t n)
{
	struct words server;

	if (authask_get(&a->want, a->frame, n) == -1 || !is_for_door(a))
		return -1;
	if (!throttle_key(&a->key, a->want.client, a->want.user))
		a->want.client = "unknown";
	a->want.session = a->session;
	if (a->door->is_login &&
	    words_server(&server, a->want.service, a->want.word) == -1)
		later(a, no_server, "service");
	else
		await_turn(a, clock_mono_ms());
	return 0;
}

static void leave(struct ask *a)
{
	if (a->state != JUDGED && a->state != STARTING) {
		a->state = OVER;
		return;
	}
	(void)close(a->fd);
	a->fd = -1;
}

void ask_hear(struct ask *a)
{
	int is_first = a->state == OPEN;
	char more;
	ssize_t r = is_first ? usock_recv(a->fd, a->frame, sizeof a->frame, &a->session)
			     : usock_recv(a->fd, &more, sizeof more, NULL);

	if (r == -1 && errno == EAGAIN)
		return;
	if (is_first && r > 0 && take(a, (size_t)r) == 0)
		return;
	if (r != 0)
		warn_msg("a caller at %s is dropped: not a request", a->door->name);
	leave(a);
}

/* ---- time ---- */

static void time_is_over(struct ask *a)
{
	if (a->state == OPEN)
		a->state = OVER;
	else if (a->state == HELD) {
		a->state = QUEUED;
		a->until = clock_mono_ms() + QUEUE_MS;
	} else if (a->state == QUEUED)
		later(a, "Too many log in at once; try again in a while.", "busy");
}

static void release(struct ask *a)
{
	const int fds[] = {a->fd, a->session, a->started};

	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] != -1)
			(void)close(fds[i]);
	a->door->n--;
	explicit_bzero(a->frame, sizeof a->frame);
	free(a);
}

/* A turn that has come is served at once: this runs before assign(). */
static void tick_asks(int64_t now)
{
	for (struct ask *a = asks; a != NULL; a = a->next)
		if (now >= a->until)
			time_is_over(a);
}

static void tick_children(int64_t now)
{
	for (struct child *c = children; c != NULL; c = c->next) {
		if (now < c->until)
			continue;
		warn_msg("%s of %s (pid %ld) takes too long",
			 c->is_judge ? "the judge" : "the start of the server", c->name,
			 (long)c->pid);
		if (c->ask != NULL)
			later(c->ask, away, "slow");
		c->ask = NULL;
		c->until = CLOCK_NEVER;
		child_kill(c);
	}
}

static int64_t sweep(void)
{
	int64_t next = CLOCK_NEVER;

	for (struct ask **at = &asks; *at != NULL;) {
		struct ask *a = *at;

		if (a->state == OVER) {
			*at = a->next;
			release(a);
			continue;
		}
		if (a->state == OPEN || a->state == HELD || a->state == QUEUED)
			next = clock_sooner(next, a->until);
		at = &a->next;
	}
	for (const struct child *c = children; c != NULL; c = c->next)
		next = clock_sooner(next, c->until);
	return next;
}

int64_t ask_tick(void)
{
	int64_t now = clock_mono_ms();
	int64_t next;

	tick_asks(now);
	tick_children(now);
	assign();
	next = sweep();
	return clock_sooner(next, stem_tick(now, asks == NULL));
}
