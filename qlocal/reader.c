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

/* The job at hand. */
static char frame[LIMIT_LOCALFRAME];
static size_t frame_len;
static int frame_fd;

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

static void send_job(const struct reader *r, const struct delivery *d)
{
	struct sbuf b = SBUF_INIT(STEP_FRAME);

	if (put_u8(&b, STEP_JOB) == -1 || put_u16(&b, (uint16_t)d->index) == -1 ||
	    sbuf_cat(&b, frame, frame_len) == -1)
		die_sys(EXIT_TEMP, "make a frame");
	send_pair(r, &b, d->message.fd);
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

static int take_report(const char *step, size_t n, struct answer *a)
{
	struct cursor c;
	uint8_t letter;
	const char *text;

	cur_init(&c, step + 1, n - 1);
	if (cur_u8(&c, &letter) == -1 || cur_str(&c, LIMIT_TEXT, &text) == -1 ||
	    cur_end(&c) == -1 || letter == 0 || strchr("KRXZDB", letter) == NULL)
		return -1;
	answer_set(a, (char)letter, "%s", text);
	return 0;
}

static void be_directed(const struct reader *r, const struct delivery *d,
			struct answer *a)
{
	static char step[STEP_FRAME];

	for (;;) {
		int fd;
		int copy;
		int due;
		ssize_t n;

		wait_pair(r);
		n = usock_recv(r->pair, step, sizeof step, &fd);
		if (n <= 0)
			die_pair();
		if (*step == STEP_REPORT) {
			if (fd != -1 || take_report(step, (size_t)n, a) == -1)
				die_pair();
			return;
		}
		due = step_do(&stepper, d, step, (size_t)n, fd, a, &copy);
		if (due == -1)
			die_pair();
		if (due == 1)
			send_answer(r, a, copy);
	}
}

/* ---- jobs ---- */

static void deliver_plain(const struct reader *r, const struct delivery *d,
			  struct answer *a)
{
	char text[LIMIT_TEXT + 1];

	step_maildir(&stepper, d, r->settings->delivery, 1, a);
	if (a->letter != DONE)
		return;
	memcpy(text, a->text, sizeof text);
	answer_set(a, DONE, "%s%sdid 1+0+0", text, *text != '\0' ? " " : "");
}

/* 0, or -1: this process, which has no program half, is not the one to do it. */
static int deliver(const struct reader *r, struct answer *a)
{
	const struct delivery *d = &delivery;

	if (check_home(r, a) == -1)
		return 0;
	if (is_plain_delivery(r, d)) {
		deliver_plain(r, d, a);
		return 0;
	}
	if (r->pair == -1)
		return -1;
	if (message_check_loop(&d->message, d->to, a) == -1)
		return 0;
	send_job(r, d);
	be_directed(r, d, a);
	return 0;
}

static void send_to_qlspawn(const struct reader *r, const char *p, size_t n)
{
	while (usock_send(r->socket, p, n, -1) == -1)
		if (errno != EAGAIN || fd_wait(r->socket, POLLOUT, CLOCK_NEVER) == -1)
			die_sys(EXIT_TEMP, "report");
}

static void send_report(const struct reader *r, const struct report *rep)
{
	struct sbuf b = SBUF_INIT(LIMIT_FRAME);

	if (report_put(&b, rep) == -1)
		die_sys(EXIT_TEMP, "make a report");
	send_to_qlspawn(r, b.p, b.len);
	sbuf_free(&b);
}

static void understand(size_t index)
{
	if (frame_fd == -1 ||
	    delivery_init(&delivery, frame, frame_len, index, frame_fd) == -1)
		die_msg(EXIT_TEMP, "a job is not understood");
}

/* 0, or -1 when nothing was done of it. A dot-file that appears in the middle of a job is
 * for the next attempt. */
static int do_all(const struct reader *r, struct report *rep)
{
	static struct answer answers[LIMIT_JOBRCPTS];
	size_t index = 0;

	do {
		struct answer *a = &answers[index];

		understand(index);
		if (deliver(r, a) == -1) {
			if (index == 0)
				return -1;
			answer_set(a, LATER, "A dot-file has just appeared. (#4.3.0)");
		}
		rep->letter[index] = a->letter;
		rep->text[index] = a->text;
	} while (++index < delivery.l.job.nrcpts);
	return 0;
}

static void handle(const struct reader *r)
{
	static const char back = LOCALJOB_BACK;
	struct report rep = {0};
	int result = do_all(r, &rep);

	(void)close(frame_fd);
	if (result == -1) {
		send_to_qlspawn(r, &back, 1);
		return;
	}
	rep.slot = delivery.l.job.slot;
	rep.count = delivery.l.job.nrcpts;
	send_report(r, &rep);
	if (r->home == -1) /* a successor may find it open */
		_exit(0);
}

void reader_take(const struct reader *r)
{
	ssize_t n;

	if (fd_wait(r->socket, POLLIN, CLOCK_NEVER) == -1)
		die_sys(EXIT_TEMP, "wait for a job");
	n = usock_recv(r->socket, frame, sizeof frame, &frame_fd);
	if (n == 0)
		_exit(0);
	if (n == -1)
		die_sys(EXIT_TEMP, "receive a job");
	frame_len = (size_t)n;
}

int reader_is_plain(const struct reader *r)
{
	understand(0);
	return r->home == -1 || is_plain_delivery(r, &delivery);
}

void reader_forget(void)
{
	(void)close(frame_fd);
}

void reader_serve(const struct reader *r)
{
	stepper_init(&stepper, r->home, r->socket, r->settings);
	for (;;) {
		handle(r);
		reader_take(r);
	}
}
