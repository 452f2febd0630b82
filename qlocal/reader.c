#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "cursor.h"
#include "delivery.h"
#include "dotfile.h"
#include "fdio.h"
#include "prog.h"
#include "step.h"
#include "usock.h"

static struct stepper stepper;
static struct delivery delivery;
static struct dotfile dotfile;

static _Noreturn void die_pair(void)
{
	die_msg(EXIT_TEMP, "the program half is gone");
}

/* ---- the home ---- */

/* The same directory as when we started, and fit to deliver to? A child whose user
 * moved to another home ends: its successor opens the new one. */
static int check_home(const struct reader *r, struct answer *a)
{
	struct stat now;
	struct stat held;

	errno = r->home_error;
	if (r->home == -1 || stat(r->home_path, &now) == -1) {
		answer_errno(a, "use the home", r->home_path);
		return -1;
	}
	if (fstat(r->home, &held) == -1 || held.st_ino != now.st_ino ||
	    held.st_dev != now.st_dev)
		die_msg(EXIT_TEMP, "the home was replaced");
	if (dotfile_home(&dotfile, &now) == -1) {
		answer_set(a, LATER, "%s", dotfile.error);
		return -1;
	}
	return 0;
}

/* Only a name that is surely absent needs no opinion of the program half. */
static int is_plain_delivery(const struct reader *r, const struct delivery *d)
{
	struct stat st;

	return *d->l.dash == '\0' && *d->l.alias == '\0' && r->settings->is_maildir &&
	       fstatat(r->home, ".qmail", &st, AT_SYMLINK_NOFOLLOW) == -1 &&
	       errno == ENOENT;
}

/* ---- deliveries that the program half directs ---- */

static void send_pair(const struct reader *r, const struct sbuf *b, int pass)
{
	while (usock_send(r->pair, b->p, b->len, pass) == -1)
		if (errno != EAGAIN || fd_wait(r->pair, POLLOUT, CLOCK_NEVER) == -1)
			die_pair();
}

static void send_job(const struct reader *r, const char *frame, size_t n, size_t index,
		     int fd)
{
	struct sbuf b = SBUF_INIT(STEP_FRAME);

	if (put_u8(&b, STEP_JOB) == -1 || put_u16(&b, (uint16_t)index) == -1 ||
	    sbuf_cat(&b, frame, n) == -1)
		die_sys(EXIT_TEMP, "make a frame");
	send_pair(r, &b, fd);
	sbuf_free(&b);
}

static void send_answer(const struct reader *r, const struct answer *a, int copy)
{
	struct sbuf b = SBUF_INIT(LIMIT_TEXT + 16);

	if (put_u8(&b, STEP_ANSWER) == -1 || put_u8(&b, (uint8_t)a->letter) == -1 ||
	    sbuf_catz(&b, a->text) == -1)
		die_sys(EXIT_TEMP, "make a frame");
	send_pair(r, &b, copy);
	sbuf_free(&b);
	if (copy != -1)
		(void)close(copy);
}

/* Wait for the program half, and end at once when qlspawn is gone. */
static void wait_pair(const struct reader *r)
{
	struct pollfd p[2] = {{r->pair, POLLIN, 0}, {r->socket, 0, 0}};

	while (poll(p, 2, -1) == -1)
		if (errno != EINTR)
			die_pair();
	if (p[1].revents != 0)
		die_msg(EXIT_TEMP, "qlspawn is gone");
}

static int take_report(const char *frame, size_t n, struct answer *a)
{
	struct cursor c;
	uint8_t letter;
	const char *text;

	cur_init(&c, frame + 1, n - 1);
	if (cur_u8(&c, &letter) == -1 || cur_str(&c, LIMIT_TEXT, &text) == -1 ||
	    cur_end(&c) == -1 || letter == 0 || strchr("KRXZDB", letter) == NULL)
		return -1;
	answer_set(a, (char)letter, "%s", text);
	return 0;
}

static void be_directed(const struct reader *r, const struct delivery *d,
			struct answer *a)
{
	static char frame[STEP_FRAME];

	for (;;) {
		int fd;
		int copy;
		int due;
		ssize_t n;

		wait_pair(r);
		n = usock_recv(r->pair, frame, sizeof frame, &fd);
		if (n <= 0)
			die_pair();
		if (*frame == STEP_REPORT) {
			if (fd != -1 || take_report(frame, (size_t)n, a) == -1)
				die_pair();
			return;
		}
		due = step_do(&stepper, d, frame, (size_t)n, fd, a, &copy);
		if (due == -1)
			die_pair();
		if (due == 1)
			send_answer(r, a, copy);
	}
}

/* ---- jobs ---- */

static void deliver(const struct reader *r, const char *frame, size_t n, size_t index,
		    struct answer *a)
{
	const struct delivery *d = &delivery;
	char text[LIMIT_TEXT + 1];

	if (check_home(r, a) == -1)
		return;
	if (is_plain_delivery(r, d)) {
		step_maildir(&stepper, d, r->settings->delivery, 1, a);
		if (a->letter != DONE)
			return;
		memcpy(text, a->text, sizeof text);
		answer_set(a, DONE, "%s%sdid 1+0+0", text, *text != '\0' ? " " : "");
		return;
	}
	if (message_check_loop(&d->message, d->to, a) == -1)
		return;
	send_job(r, frame, n, index, d->message.fd);
	be_directed(r, d, a);
}

static void send_report(const struct reader *r, const struct report *rep)
{
	struct sbuf b = SBUF_INIT(LIMIT_FRAME);

	if (report_put(&b, rep) == -1)
		die_sys(EXIT_TEMP, "make a report");
	while (usock_send(r->socket, b.p, b.len, -1) == -1)
		if (errno != EAGAIN || fd_wait(r->socket, POLLOUT, CLOCK_NEVER) == -1)
			die_sys(EXIT_TEMP, "report");
	sbuf_free(&b);
}

static void handle(const struct reader *r, const char *frame, size_t n, int fd)
{
	static struct answer answers[LIMIT_JOBRCPTS];
	struct report rep = {0};
	size_t index = 0;

	do {
		if (fd == -1 || delivery_init(&delivery, frame, n, index, fd) == -1)
			die_msg(EXIT_TEMP, "a job is not understood");
		deliver(r, frame, n, index, &answers[index]);
		rep.letter[index] = answers[index].letter;
		rep.text[index] = answers[index].text;
	} while (++index < delivery.l.job.nrcpts);
	(void)close(fd);
	rep.slot = delivery.l.job.slot;
	rep.count = delivery.l.job.nrcpts;
	send_report(r, &rep);
	if (r->home == -1) /* a successor may find it open */
		_exit(0);
}

void reader_serve(struct reader *r)
{
	static char frame[LIMIT_LOCALFRAME];

	stepper_init(&stepper, r->home, r->socket);
	for (;;) {
		int fd;
		ssize_t n;

		if (fd_wait(r->socket, POLLIN, CLOCK_NEVER) == -1)
			die_sys(EXIT_TEMP, "wait for a job");
		n = usock_recv(r->socket, frame, sizeof frame, &fd);
		if (n == 0)
			_exit(0);
		if (n == -1)
			die_sys(EXIT_TEMP, "receive a job");
		handle(r, frame, (size_t)n, fd);
	}
}
