/* qbounce: makes notifications of failed deliveries and submits them to qqueue.
 *
 * Uid:         quoins, like qsend.
 * Descriptors: -q: the socket pair with qsend (bounce.h); -l: the lifeline.
 *              For each notification the queue file and its journal, read only.
 * Trusts:      nobody: what it reads was written by strangers. Each notification is
 *              made by a process of its own, so that a message that harms it harms
 *              no other.
 * Never:       opens a file; writes to the queue but through qqueue.
 */
#include "bounce.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "control.h"
#include "dsn.h"
#include "escape.h"
#include "fdio.h"
#include "jail.h"
#include "job.h"
#include "journal.h"
#include "prog.h"
#include "qread.h"
#include "rnd.h"
#include "submit.h"
#include "usock.h"

extern const struct jail_profile jail_qbounce;

static const char usage[] = "qbounce [-C dir] -l fd -q fd";
enum { CHILDREN = 16, SUBMIT_MS = 60000, REPORT_MS = 10000 };

static struct {
	int lifeline;
	int socket;
	char *me;
	char from[LIMIT_ADDRESS + 1];    /* bouncefrom@bouncehost */
	char doubled[LIMIT_ADDRESS + 1]; /* doublebounceto@doublebouncehost */
} self = {-1, -1, NULL, "", ""};

static struct child {
	pid_t pid;
	uint16_t slot;
} children[CHILDREN];

/* ---- start ---- */

static void arguments(int argc, char **argv)
{
	static const struct arg table[] = {
	    {'l', arg_fd, &self.lifeline, 0, 0}, {'q', arg_fd, &self.socket, 0, 0}, {0}};

	args_only(usage, table, argc, argv);
	if (self.lifeline == -1 || self.socket == -1)
		die_usage(usage);
}

static _Noreturn void die_control(void)
{
	die_msg(EXIT_TEMP, "unable to read control files: %s", control_error());
}

static void read_address(char out[LIMIT_ADDRESS + 1], const char *user_file,
			 const char *user, const char *host_file)
{
	char *local = NULL;
	char *host = NULL;
	int n;

	if (control_line(user_file, &local) == -1 ||
	    control_line_or_me(host_file, &host) != 1)
		die_control();
	n = snprintf(out, LIMIT_ADDRESS + 1, "%s@%s", local != NULL ? local : user, host);
	if (n < 0 || n > LIMIT_ADDRESS)
		die_msg(EXIT_PERM, "control/%s and %s: too long", user_file, host_file);
	free(local);
	free(host);
}

static void configure(void)
{
	if (control_line("me", &self.me) != 1)
		die_control();
	read_address(self.from, "bouncefrom", "MAILER-DAEMON", "bouncehost");
	read_address(self.doubled, "doublebounceto", "postmaster", "doublebouncehost");
	tzset(); /* while its file can still be opened */
}

/* ---- one notification, in a process of its own ---- */

struct notice {
	uint16_t slot;
	const char *id;
	int queue_file;
	int journal;
	struct qfile_head head;
	struct envelope env;
	char *bytes;
	const char **rcpts; /* by index */
	char **texts;       /* of those that failed */
	struct dsn_failure *failures;
	size_t nfailures;
	char *copy;
	size_t ncopy;
};

/* Tell qsend, and end. */
static _Noreturn void answer(const struct notice *n, char letter, const char *text)
{
	struct report r = {.slot = n->slot, .count = 1};
	struct sbuf frame = SBUF_INIT(LIMIT_FRAME);
	int64_t deadline = clock_mono_ms() + REPORT_MS;

	r.letter[0] = letter;
	r.text[0] = text;
	if (report_put(&frame, &r) == -1)
		_exit(EXIT_TEMP);
	while (usock_send(self.socket, frame.p, frame.len, -1) == -1)
		if ((errno != EAGAIN && errno != EWOULDBLOCK) ||
		    fd_wait(self.socket, POLLOUT, deadline) == -1)
			_exit(EXIT_TEMP);
	_exit(0);
}

static _Noreturn void answer_errno(const struct notice *n, const char *what)
{
	char text[LIMIT_TEXT + 1];

	(void)snprintf(text, sizeof text, "unable to %s: %s", what, strerror(errno));
	answer(n, 'Z', text);
}

static void take_record(void *arg, const struct journal_record *r)
{
	struct notice *n = arg;

	if (!journal_of_rcpt(r) || r->index >= n->env.nrcpts)
		return;
	free(n->texts[r->index]);
	n->texts[r->index] = NULL;
	if (r->what == 'D' && (n->texts[r->index] = strdup(r->text)) == NULL)
		answer_errno(n, "read the journal");
}

static void index_rcpts(struct notice *n)
{
	const char *at = n->env.rcpts;
	struct envelope_rcpt r;

	for (size_t i = 0; i < n->env.nrcpts; i++) {
		at = envelope_rcpt(&n->env, at, &r);
		n->rcpts[i] = r.address;
	}
}

static void read_failures(struct notice *n)
{
	uint64_t len;
	uint64_t size;

	n->rcpts = calloc(n->env.nrcpts, sizeof *n->rcpts);
	n->texts = calloc(n->env.nrcpts, sizeof *n->texts);
	n->failures = calloc(n->env.nrcpts, sizeof *n->failures);
	if (n->rcpts == NULL || n->texts == NULL || n->failures == NULL ||
	    journal_read(n->journal, n->id, take_record, n, &len, &size) == -1)
		answer_errno(n, "read the journal");
	index_rcpts(n);
	for (size_t i = 0; i < n->env.nrcpts; i++)
		if (n->texts[i] != NULL)
			n->failures[n->nfailures++] =
			    (struct dsn_failure){n->rcpts[i], n->texts[i]};
	if (n->nfailures == 0)
		answer(n, 'Z', "the journal names no failure");
}

static void read_copy(struct notice *n)
{
	uint64_t at = qfile_msg_offset(&n->head);

	n->ncopy = n->head.msg_len < DSN_COPY ? (size_t)n->head.msg_len : DSN_COPY;
	n->copy = malloc(n->ncopy + 1);
	if (n->copy == NULL || lseek(n->queue_file, (off_t)at, SEEK_SET) == -1 ||
	    fd_read_full(n->queue_file, n->copy, n->ncopy, CLOCK_NEVER) == -1)
		answer_errno(n, "read the message");
}

/* The owner of a list that has an address for each recipient (VERP: the sender ends
 * in -@[]) gets one notification for all, without that end. */
static const char *recipient_of(char out[LIMIT_ADDRESS + 1], const char *sender)
{
	static const char verp[] = "-@[]";
	size_t n = strlen(sender);

	if (dsn_kind(sender) == DSN_DOUBLE)
		return self.doubled;
	(void)snprintf(out, LIMIT_ADDRESS + 1, "%s", sender);
	if (n > sizeof verp && strcmp(sender + n - (sizeof verp - 1), verp) == 0)
		out[n - (sizeof verp - 1)] = '\0';
	return out;
}

static int put_data(void *s, const char *p, size_t n)
{
	return submit_data(s, p, n);
}

static void make_boundary(char out[40])
{
	uint32_t r[3];

	rnd_bytes(r, sizeof r);
	(void)snprintf(out, 40, "=_%08x%08x%08x", r[0], r[1], r[2]);
}

static int send_notice(const struct notice *n, struct submit *s, const char *to)
{
	char boundary[40];
	uint64_t birth = 0;
	struct dsn d = {.me = self.me,
			.from = self.from,
			.to = to,
			.id = s->id,
			.boundary = boundary,
			.now = time(NULL),
			.queue_id = n->id,
			.sender = n->env.sender,
			.failures = n->failures,
			.nfailures = n->nfailures,
			.copy = n->copy,
			.ncopy = n->ncopy,
			.is_cut = n->ncopy < n->head.msg_len};

	make_boundary(boundary);
	(void)qid_parse(n->id, &birth);
	d.arrival = (time_t)(birth / 1000000000);
	return dsn_write(&d, put_data, s);
}

static int put_envelope(struct submit *s, const char *sender, const char *to)
{
	struct sbuf env = SBUF_INIT(LIMIT_FRAME);
	int r = -1;

	if (sbuf_catc(&env, 'F') == 0 && sbuf_catz(&env, sender) == 0 &&
	    sbuf_catc(&env, 'T') == 0 && sbuf_catz(&env, to) == 0)
		r = submit_envelope(s, env.p, env.len);
	sbuf_free(&env);
	return r;
}

/* After this point nobody could take the submission back. */
static void check_lifeline(const struct notice *n)
{
	struct pollfd p = {self.lifeline, POLLIN, 0};

	if (poll(&p, 1, 0) > 0)
		answer(n, 'Z', "stopping");
}

static _Noreturn void submit_notice(const struct notice *n)
{
	static struct submit s;
	char address[LIMIT_ADDRESS + 1];
	char id[QID_LEN + 1];
	char letter;
	int is_double = dsn_kind(n->env.sender) == DSN_DOUBLE;
	const char *to = recipient_of(address, n->env.sender);

	if (submit_open(&s, clock_mono_ms() + SUBMIT_MS) == -1) {
		if (errno == EAGAIN)
			answer(n, 'Z', s.text);
		answer_errno(n, "reach qqueue");
	}
	memcpy(id, s.id, sizeof id);
	if (put_envelope(&s, is_double ? "#@[]" : "", to) == -1 ||
	    send_notice(n, &s, to) == -1)
		answer_errno(n, "submit the notification");
	check_lifeline(n);
	if (submit_commit(&s, &letter) == -1)
		answer_errno(n, "submit the notification");
	answer(n, letter, letter == 'K' ? id : s.text);
}

static _Noreturn void make_notice(struct notice *n)
{
	if (qread(n->queue_file, &n->head, &n->bytes, &n->env) == -1) {
		if (errno == EBADMSG)
			answer(n, 'B', "");
		answer_errno(n, "read the message");
	}
	if (dsn_kind(n->env.sender) == DSN_DISCARD)
		answer(n, 'D', "a notification of this message has nobody to go to");
	read_failures(n);
	read_copy(n);
	submit_notice(n);
}

/* ---- the server ---- */

static struct child *free_child(void)
{
	for (int i = 0; i < CHILDREN; i++)
		if (children[i].pid == 0)
			return &children[i];
	return NULL;
}

static void say_later(uint16_t slot, const char *text)
{
	struct report r = {.slot = slot, .count = 1, .letter = {'Z'}, .text = {text}};
	struct sbuf frame = SBUF_INIT(LIMIT_FRAME);

	/* qsend takes few at once: its answers always find room. */
	if (report_put(&frame, &r) == -1 ||
	    usock_send(self.socket, frame.p, frame.len, -1) == -1)
		die_sys(EXIT_TEMP, "answer qsend");
	sbuf_free(&frame);
}

static void end_by_signals(const sigset_t *awake)
{
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, awake, NULL);
}

static void start_notice(struct notice *n, const sigset_t *awake)
{
	struct child *c = free_child();

	if (c == NULL) {
		say_later(n->slot, "too many notifications at once");
		return;
	}
	c->pid = fork();
	if (c->pid == 0) {
		end_by_signals(awake);
		make_notice(n);
	}
	if (c->pid == -1) {
		c->pid = 0;
		say_later(n->slot, strerror(errno));
		return;
	}
	c->slot = n->slot;
}

/* A process that ended badly has not answered. */
static void reap(void)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < CHILDREN; i++) {
			if (children[i].pid != pid)
				continue;
			children[i].pid = 0;
			if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
				say_later(children[i].slot, "the process that made the "
							    "notification has crashed");
		}
}

/* The queue file comes first, its journal next. 0: qsend has ended. */
static int take_frame(const sigset_t *awake)
{
	static int queue_file = -1;
	static uint16_t wanted;
	char frame[BOUNCE_FRAME];
	struct notice n = {.queue_file = -1};
	char part;
	int fd;
	ssize_t len = usock_recv(self.socket, frame, sizeof frame, &fd);

	if (len == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 1;
	if (len == 0)
		return 0;
	if (len == -1 || bounce_get(frame, (size_t)len, &part, &n.slot, &n.id) == -1 ||
	    fd == -1)
		die_msg(EXIT_TEMP, "qsend does not make sense");
	if (part == BOUNCE_MESSAGE) {
		if (queue_file != -1)
			(void)close(queue_file);
		queue_file = fd;
		wanted = n.slot;
		return 1;
	}
	if (queue_file == -1 || wanted != n.slot)
		die_msg(EXIT_TEMP, "qsend does not make sense");
	n.queue_file = queue_file;
	n.journal = fd;
	start_notice(&n, awake);
	(void)close(queue_file);
	(void)close(fd);
	queue_file = -1;
	return 1;
}

static void on_child(int sig)
{
	(void)sig;
}

static void stop_children(void)
{
	for (int i = 0; i < CHILDREN; i++)
		if (children[i].pid > 0)
			(void)kill(children[i].pid, SIGKILL);
}

static void serve(const sigset_t *awake)
{
	struct pollfd p[2] = {{self.lifeline, POLLIN, 0}, {self.socket, POLLIN, 0}};

	for (;;) {
		int n = ppoll(p, 2, NULL, awake);

		if (n == -1 && errno != EINTR)
			die_sys(EXIT_TEMP, "wait");
		reap();
		if (n <= 0)
			continue;
		if (p[0].revents != 0 || (p[1].revents != 0 && !take_frame(awake)))
			return;
	}
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_child};
	sigset_t block;
	sigset_t awake;

	prog_init("qbounce");
	arguments(argc, argv);
	configure();
	(void)sigemptyset(&block);
	(void)sigaddset(&block, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &block, &awake);
	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGCHLD, &sa, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	if (jail_enter(&jail_qbounce) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	serve(&awake);
	stop_children();
	return 0;
}
