#include "forward.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "date822.h"
#include "paths.h"
#include "submit.h"
#include "usock.h"

enum { DOOR_MS = 5000, DOOR_PAUSE_MS = 100, SUBMIT_MS = 600000 };

static struct submit submission;

int forward_connect(int lifeline, struct answer *a)
{
	int64_t deadline = clock_mono_ms() + DOOR_MS;
	struct pollfd p = {lifeline, 0, 0};
	int fd;

	while ((fd = usock_connect("qqueue", SOCK_STREAM | SOCK_NONBLOCK)) == -1) {
		if (clock_left_ms(deadline) == 0 || poll(&p, 1, DOOR_PAUSE_MS) == 1) {
			answer_errno(a, "reach", "the mail queue");
			return -1;
		}
	}
	return fd;
}

static int into_submission(void *arg, const void *p, size_t n)
{
	return submit_data(arg, p, n);
}

static int put_prefix(struct submit *s, const struct delivery *d, const char *me)
{
	char line[2 * LIMIT_DOMAIN + QID_LEN + DATE822_SIZE + 64];
	char date[DATE822_SIZE];

	date822(date, time(NULL));
	(void)snprintf(line, sizeof line,
		       "Received: by %s (Quoin qlocal, forwarded) id %s; %s\n", me, s->id,
		       date);
	if (submit_data(s, line, strlen(line)) == -1)
		return -1;
	return submit_data(s, d->deliveredto, strlen(d->deliveredto));
}

static int speak(struct submit *s, const struct sbuf *envelope, const struct delivery *d,
		 const char *me, struct answer *a)
{
	char letter;

	if (submit_envelope(s, envelope->p, envelope->len) == -1 ||
	    put_prefix(s, d, me) == -1) {
		answer_errno(a, "send to", "the mail queue");
		return -1;
	}
	if (message_copy(&d->message, d->to, into_submission, s, a) == -1)
		return -1;
	if (submit_commit(s, &letter) == -1) {
		answer_errno(a, "hear from", "the mail queue");
		return -1;
	}
	answer_set(a, letter, "%s", s->text);
	return 0;
}

void forward_submit(int fd, const struct sbuf *envelope, const struct delivery *d,
		    const char *me, struct answer *a)
{
	struct submit *s = &submission;
	char id[QID_LEN + 1] = "";

	if (submit_open_fd(s, fd, clock_mono_ms() + SUBMIT_MS) == -1) {
		if (errno == EAGAIN)
			answer_set(a, LATER, "%s", s->text);
		else
			answer_errno(a, "speak with", "the mail queue");
	} else {
		memcpy(id, s->id, sizeof id);
		if (speak(s, envelope, d, me, a) == 0 && a->letter == DONE)
			answer_set(a, DONE, "qp %s", id);
	}
	submit_close(s);
}
