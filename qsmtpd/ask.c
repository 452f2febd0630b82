#include "ask.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"
#include "paths.h"
#include "prog.h"
#include "session.h"
#include "usock.h"

enum { DOOR_MS = 30000, DOOR_PAUSE_MS = 100, OFFER_MS = 30000, RCPT_MS = 10000 };

/* A door that is shut, or shuts before it says anything, may be a restart, and that may
 * take as long as the slowest client: knock for a while. */
static int is_shut(int e)
{
	return e == ENOENT || e == ECONNREFUSED || e == ECONNRESET || e == EPIPE;
}

static int open_queue(struct session *s)
{
	int64_t until = clock_mono_ms() + DOOR_MS;

	while (submit_open(&s->queue, clock_mono_ms() + OFFER_MS) == -1) {
		int e = errno;

		submit_close(&s->queue);
		errno = e;
		if (!is_shut(e) || clock_left_ms(until) == 0)
			return -1;
		(void)poll(NULL, 0, DOOR_PAUSE_MS);
	}
	s->queue_open = 1;
	return 0;
}

void ask_queue_close(struct session *s)
{
	if (s->queue_open)
		submit_close(&s->queue);
	s->queue_open = 0;
}

int ask_queue_again(struct session *s)
{
	ask_queue_close(s);
	return open_queue(s);
}

int ask_queue(struct session *s)
{
	if (s->queue_open && s->queue.id[0] != '\0')
		return 0;
	if (ask_queue_again(s) == 0)
		return 0;
	if (errno == EAGAIN) {
		reply_with(s, SAY_QUEUE_REFUSES, s->queue.text);
	} else {
		warn_sys("connect to qqueue");
		reply(s, SAY_QUEUE_AWAY);
	}
	return -1;
}

static int open_rcpt(struct session *s)
{
	if (s->rcpt_fd == -1)
		s->rcpt_fd = usock_connect("qrcpt", SOCK_SEQPACKET);
	return s->rcpt_fd == -1 ? -1 : 0;
}

static void close_rcpt(struct session *s)
{
	int e = errno;

	(void)close(s->rcpt_fd);
	s->rcpt_fd = -1;
	errno = e;
}

static int send_question(struct session *s, const char *rcpt)
{
	for (int again = s->rcpt_fd != -1;; again--) {
		if (open_rcpt(s) == -1)
			return -1;
		if (usock_send(s->rcpt_fd, rcpt, strlen(rcpt) + 1, -1) == 0)
			return 0;
		close_rcpt(s);
		if (!again) /* it was connected just now */
			return -1;
	}
}

/* "-" or "Z", and its text */
static enum ask_rcpt why_not(const char *answer)
{
	if (*answer == '-')
		return strncmp(answer + 1, "5.2.2 ", 6) == 0 ? ASK_FULL : ASK_NO;
	return strncmp(answer + 1, "4.2.2 ", 6) == 0 ? ASK_FULL_LATER : ASK_LATER;
}

static enum ask_rcpt read_answer(struct session *s, int *is_lost)
{
	char answer[LIMIT_TEXT + 64];
	ssize_t n = -1;

	if (fd_wait(s->rcpt_fd, POLLIN, clock_mono_ms() + RCPT_MS) == 0) {
		n = usock_recv(s->rcpt_fd, answer, sizeof answer, NULL);
		*is_lost = n <= 0;
	}
	if (n >= 2 && answer[n - 1] == '\0' && answer[0] == '+')
		return ASK_YES;
	if (n >= 2 && answer[n - 1] == '\0' && (answer[0] == '-' || answer[0] == 'Z'))
		return why_not(answer);
	close_rcpt(s);
	return ASK_LATER;
}

/* A host without qrcpt takes every recipient of its domains. */
static int has_no_qrcpt(void)
{
	char dir[LIMIT_PATH];
	struct stat st;

	return (errno == ENOENT || errno == ECONNREFUSED) &&
	       path_join(dir, sizeof dir, paths.run, "qrcpt") != NULL &&
	       stat(dir, &st) == -1 && errno == ENOENT;
}

/* A question may be asked again: its answer changes nothing. */
enum ask_rcpt ask_rcpt(struct session *s, const char *rcpt)
{
	int64_t until = clock_mono_ms() + RCPT_MS;

	for (;;) {
		int is_lost = 0;

		if (send_question(s, rcpt) == 0) {
			enum ask_rcpt answer = read_answer(s, &is_lost);

			if (!is_lost)
				return answer;
		} else if (has_no_qrcpt())
			return ASK_YES;
		if (clock_left_ms(until) == 0) {
			warn_sys("ask qrcpt");
			return ASK_LATER;
		}
		(void)poll(NULL, 0, DOOR_PAUSE_MS);
	}
}
